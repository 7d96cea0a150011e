"""The sink's own tables, step by step."""
