"""Downloads: what people asked to have fetched, and what became of it."""
