"""One resource of the API per file."""
