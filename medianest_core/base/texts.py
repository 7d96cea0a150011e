"""Marks texts that are shown to people but translated elsewhere, by whoever shows them."""

from __future__ import annotations

from medianest_core.sdk.texts import N_ as N_
