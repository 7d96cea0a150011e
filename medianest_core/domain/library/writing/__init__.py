"""Records become titles: which title each belongs to, what changed, and all of it in one transaction."""
