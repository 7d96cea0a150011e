"""Titles that exist in the world: what all catalogs say, in one list, beside what the household has."""
