"""What changed, undoing it, and keeping values as they are."""
