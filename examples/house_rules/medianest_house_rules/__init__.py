"""An example plugin: rules of the house for requests."""
