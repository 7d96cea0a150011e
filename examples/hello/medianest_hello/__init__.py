"""An example plugin: a page, a navigation entry, a card, a job and a live event."""
