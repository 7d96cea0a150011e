"""What the command line offers to authors of plugins: looking at a plugin without a line of its author's help."""
