"""What does not fit: titles that could not be matched, and the library beside what servers list now."""
