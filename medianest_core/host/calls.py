"""How each provider method is called: how long it may take, whether it may be repeated, and whether it takes a slot.

A method may be repeated when doing it twice is the same as doing it once. What is not listed is not repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from medianest_core.host.declarations import Kind
from medianest_core.sdk.auth import AuthProvider
from medianest_core.sdk.catalog import Catalog
from medianest_core.sdk.downloads import Downloader
from medianest_core.sdk.fields import FieldOwner
from medianest_core.sdk.media import MediaSource
from medianest_core.sdk.notify import Notifier
from medianest_core.sdk.requests import RequestBackend
from medianest_core.sdk.status import StatusProvider
from medianest_core.sdk.webhooks import WebhookReceiver


@dataclass(frozen=True, slots=True)
class CallRule:
    """deadline: seconds for the whole call with its repetitions. idle: seconds without a sign of life, for calls that may
    take long; such a call has no deadline. slot: whether it counts among the eight at once."""

    repeat: bool = False
    deadline: float = 15.0
    idle: float | None = None
    slot: bool = True


READ = CallRule(repeat=True)
WRITE = CallRule(deadline=30.0)
DEFAULT = CallRule()
STREAM = CallRule(idle=60.0)
LONG_LIVED = CallRule(idle=24 * 3600.0, slot=False)

RULES: Mapping[Kind, Mapping[str, CallRule]] = {
    AuthProvider: {"complete": READ, "revalidate": READ, "groups": READ, "revoke": READ},
    MediaSource: {
        "libraries": READ,
        "records": STREAM,
        "record": READ,
        "details": CallRule(repeat=True, deadline=60.0),
        "changes": STREAM,
        "watch": LONG_LIVED,
        "search": READ,
        "recent": READ,
        "image": CallRule(repeat=True, deadline=20.0),
        "deep_link": READ,
        "collections": CallRule(repeat=True, deadline=30.0),
        "collection_items": CallRule(repeat=True, deadline=30.0),
        "create_collection": WRITE,
        "add_to_collection": WRITE,
        "remove_from_collection": CallRule(repeat=True, deadline=30.0),
        "rescan": CallRule(repeat=True, deadline=20.0),
        "locate": CallRule(repeat=True, deadline=60.0),
    },
    FieldOwner: {
        "report": CallRule(repeat=True, deadline=120.0),
        "changes": STREAM,
        "write_back": CallRule(repeat=True, deadline=30.0),
    },
    StatusProvider: {
        "snapshot": CallRule(repeat=True, deadline=10.0),
        "history": READ,
        "incidents": READ,
        "watch": LONG_LIVED,
    },
    Downloader: {
        "inspect": CallRule(deadline=180.0, slot=True),
        "download": CallRule(idle=300.0, slot=False),
    },
    RequestBackend: {
        "submit": WRITE,
        "find": READ,
        "state": READ,
        "cancel": READ,
        "list": READ,
        "options": READ,
        "approve": WRITE,
        "decline": WRITE,
        "report": WRITE,
        "issues": READ,
        "resolve": CallRule(repeat=True, deadline=30.0),
        "users": READ,
        "quota": READ,
    },
    Catalog: {
        "search": READ,
        "details": READ,
        "discover": READ,
        "external_ids": READ,
        "image": CallRule(repeat=True, deadline=20.0),
    },
    Notifier: {"send": WRITE, "test": WRITE},
    WebhookReceiver: {"register": WRITE, "unregister": CallRule(repeat=True, deadline=30.0)},
}


def rule_for(kind: Kind, method: str) -> CallRule:
    """The rule of a method; a cautious default for methods of the plugin's own."""
    return RULES.get(kind, {}).get(method, DEFAULT)
