"""An example plugin: a small library held in memory, and ratings of its own for titles of others."""
