"""The jobs table and everything that may happen to a row of it."""
