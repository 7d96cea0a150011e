"""An example plugin: notifications through ntfy."""
