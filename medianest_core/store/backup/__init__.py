"""Backups: a portable archive of everything the portal keeps, made while it runs, and the way back."""

RESTORED = "backup.restored"
"""Action of the audit row that a restore leaves."""
