"""Marks texts that are shown to people but translated elsewhere, by whoever shows them."""

from __future__ import annotations


def N_(message: str) -> str:
    """The text as it is; the mark makes it part of the message catalogues."""
    return message
