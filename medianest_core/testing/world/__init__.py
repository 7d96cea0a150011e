"""The invented films and series that all simulators know, with their pictures. This package itself holds nothing."""
