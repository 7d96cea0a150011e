"""An example plugin: Tdarr's workers as a card and as a stage of requests."""
