"""Page handlers, one file per family: they ask the domains and fill view-models; templates show them."""
