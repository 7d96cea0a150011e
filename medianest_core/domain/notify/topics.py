"""Topics: what people choose to be told of outside the portal. Each holds kinds of notifications that are wanted together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medianest_core.base.texts import N_


@dataclass(frozen=True, slots=True)
class Topic:
    """kinds: names of `kinds.py`. admin: only admins are told of it. wanted: unless somebody chose otherwise."""

    name: str
    title: str
    kinds: tuple[str, ...] = ()
    admin: bool = False
    wanted: bool = True


TOPICS = (
    Topic("here", N_("What you asked for is here"), ("request.available", "request.partial")),
    Topic(
        "decided",
        N_("Your requests are approved, declined or fail"),
        ("request.approved", "request.declined", "request.failed"),
    ),
    Topic("comments", N_("Somebody writes about your request"), ("request.comment",)),
    Topic("answers", N_("Your problem reports are answered"), ("issue.resolved",)),
    Topic("downloads", N_("Your downloads end"), ("download.done", "download.partial", "download.failed")),
    Topic("account", N_("Your account"), ("account.approved",)),
    Topic("other", N_("Everything else")),
    Topic("approvals", N_("Requests wait for you"), ("request.pending", "request.held"), admin=True),
    Topic("reports", N_("Somebody reports a problem"), ("issue.open",), admin=True),
    Topic(
        "people", N_("People ask for access or lose it"), ("account.pending", "account.revoked"), admin=True
    ),
    Topic("down", N_("Services go down"), ("service.down", "service.down.many"), admin=True),
    Topic(
        "up",
        N_("Services come back or go up and down"),
        ("service.recovered", "service.recovered.many", "service.flapping", "service.flapping.many"),
        admin=True,
        wanted=False,
    ),
    Topic("sync", N_("A sync that you started ends"), ("sync.done", "sync.failed"), admin=True, wanted=False),
    Topic("system", N_("The portal itself needs something"), ("system.alert",), admin=True),
)
BY_NAME: Mapping[str, Topic] = {topic.name: topic for topic in TOPICS}
_BY_KIND = {kind: topic for topic in TOPICS for kind in topic.kinds}
_URGENT = ("service.down", "service.down.many")


def topic_of(kind: str) -> Topic:
    """The topic of a kind; what plugins tell by names of their own is "other"."""
    return _BY_KIND.get(kind, BY_NAME["other"])


def is_urgent(kind: str, params: Mapping[str, Any]) -> bool:
    """Whether it may pass quiet hours, where its reader wants that."""
    return kind in _URGENT or (kind == "system.alert" and params.get("level") == "error")
