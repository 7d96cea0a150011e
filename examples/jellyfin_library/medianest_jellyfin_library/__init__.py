"""An example plugin: films and series of a Jellyfin server."""
