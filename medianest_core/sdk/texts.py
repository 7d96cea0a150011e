"""Marks texts that are shown to people but translated elsewhere, by whoever shows them.

Values go in by name, without a format: `N_("{place} did not answer in time.").format(place=place)`. The portal finds the
message again in what came of it and tells it in the reader's language. A placeholder called `reason` holds a sentence of its
own, one called `who` a name that is marked itself; both are told too.
"""

from __future__ import annotations


def N_(message: str) -> str:
    """The text as it is; the mark makes it part of the message catalogues."""
    return message
