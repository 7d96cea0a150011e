"""The library: what every server said, and the one set of titles derived from it."""
