"""Runs that read sources: what is asked for, how each source is read, how far it is, what is held back."""
