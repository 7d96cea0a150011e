"""Webhooks from services."""
