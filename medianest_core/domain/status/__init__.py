"""What is up, how it fared, and what there is to say about it."""
