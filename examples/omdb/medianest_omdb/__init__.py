"""An example plugin: ratings and plots from OMDb."""
