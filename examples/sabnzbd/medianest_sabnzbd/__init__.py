"""An example plugin: SABnzbd's queue as a card and as a stage of requests."""
