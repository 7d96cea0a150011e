"""Notifications: what a person should know, in their inbox and live."""
