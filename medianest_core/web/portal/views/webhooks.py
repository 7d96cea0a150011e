"""View-models of admin → webhooks."""

from __future__ import annotations

from dataclasses import dataclass

from medianest_core.web.portal.views.common import NORMAL, Action, Badge, Choice, Fact, Sentinel, TileState
from medianest_core.web.portal.views.forms import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRow:
    """A service, a subscription, or one thing that came or went. notes: short facts beside each other. problem: what was wrong."""

    title: str
    icon: str
    path: str | None = None
    notes: tuple[str, ...] = ()
    at: float | None = None
    problem: str = ""
    badge: Badge | None = None
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhooksView:
    """`core/admin/webhooks.html`. problem: what stands in the way of services finding us."""

    receivers: tuple[HookRow, ...]
    subscriptions: tuple[HookRow, ...]
    problem: str
    log: Action
    add: Action
    empty_in: TileState
    empty_out: TileState


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveriesView:
    """`core/admin/webhook_log.html`; rows and next also as `core/fragments/webhook_rows.html`. services: filters by sender."""

    rows: tuple[HookRow, ...]
    tabs: tuple[Choice, ...]
    services: tuple[Choice, ...]
    status: str
    next: Sentinel | None = None
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """`core/admin/webhook_delivery.html`. body: what came in, empty where it was not kept. headers: a line each."""

    title: str
    badge: Badge
    facts: tuple[Fact, ...]
    actions: tuple[Action, ...]
    body: str
    headers: str
    note: str
    back: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressView:
    """`core/admin/webhook_address.html`. address: whole, or only its path where the portal does not know its own. problem: what does
    not work. by_hand: it has to be entered at the service."""

    title: str
    address: str
    told: str
    problem: str
    by_hand: str
    facts: tuple[Fact, ...]
    actions: tuple[Action, ...]
    danger: tuple[Action, ...]
    rows: tuple[HookRow, ...]
    log: Action
    path: str
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionView:
    """`core/admin/webhook_out.html`: add (`badge` None) or edit one. secret: shown this once."""

    title: str
    form: Form
    path: str = ""
    place: str = ""
    secret: str = ""
    badge: Badge | None = None
    problem: str = ""
    facts: tuple[Fact, ...] = ()
    actions: tuple[Action, ...] = ()
    danger: tuple[Action, ...] = ()
    rows: tuple[HookRow, ...] = ()
    next: Sentinel | None = None
    state: TileState = NORMAL
