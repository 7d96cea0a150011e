"""Webhooks in: what services tell us, taken as hints."""
