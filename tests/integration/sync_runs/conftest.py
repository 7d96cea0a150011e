"""The shelf of the library's tests: servers in memory on a real database, ledger and worker."""

from __future__ import annotations

from tests.integration.library.conftest import Shelf, shelf

__all__ = ["Shelf", "shelf"]
