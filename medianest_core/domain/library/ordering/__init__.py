"""Which source goes before which: tried out, saved, applied."""
