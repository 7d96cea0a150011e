"""Third floor: the plugin host. Finds, loads, validates and runs plugins and their service instances."""
