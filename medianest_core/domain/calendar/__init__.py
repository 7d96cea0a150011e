"""When titles appear."""
