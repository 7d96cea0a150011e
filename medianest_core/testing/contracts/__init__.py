"""Contracts: what the portal relies on, one suite for each kind of provider.

A plugin's tests take the suite of its kind and name the provider and the service that stands in:

    class TestStatus(StatusContract):
        provider = PiholeStatus
        simulator = PiholeSimulator

pytest then runs every clause that applies: an optional ability that the provider has switches its clauses on. Clauses cannot be
overridden; where one cannot be met yet, `exempt = {"test_name": "why"}` makes it an expected failure. Importing a suite loads
only its file.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medianest_core.testing.contracts.auth import AuthContract as AuthContract
    from medianest_core.testing.contracts.catalog import CatalogContract as CatalogContract
    from medianest_core.testing.contracts.contract import Contract as Contract
    from medianest_core.testing.contracts.contract import clause as clause
    from medianest_core.testing.contracts.downloads import DownloaderContract as DownloaderContract
    from medianest_core.testing.contracts.fields import FieldOwnerContract as FieldOwnerContract
    from medianest_core.testing.contracts.media import MediaContract as MediaContract
    from medianest_core.testing.contracts.notify import NotifierContract as NotifierContract
    from medianest_core.testing.contracts.requests import RequestContract as RequestContract
    from medianest_core.testing.contracts.status import StatusContract as StatusContract
    from medianest_core.testing.contracts.webhooks import WebhookContract as WebhookContract

_HOME = {
    "AuthContract": "auth",
    "CatalogContract": "catalog",
    "Contract": "contract",
    "DownloaderContract": "downloads",
    "FieldOwnerContract": "fields",
    "MediaContract": "media",
    "NotifierContract": "notify",
    "RequestContract": "requests",
    "StatusContract": "status",
    "WebhookContract": "webhooks",
    "clause": "contract",
}
SUITES = tuple(sorted({*_HOME} - {"Contract", "clause"}))
"""Names of all suites."""


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
