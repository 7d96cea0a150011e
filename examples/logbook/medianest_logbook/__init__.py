"""An example plugin: a logbook of who did what, with a table, a page and a command."""
