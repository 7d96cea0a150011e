"""Backups as admins know them: by hand and every day, kept for a while, restored with one click."""
