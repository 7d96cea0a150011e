"""An example plugin: a status page of what a YAML file says."""
