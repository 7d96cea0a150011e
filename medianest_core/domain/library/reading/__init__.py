"""Titles as people look at them: lists, filters, one title with all that belongs to it."""
