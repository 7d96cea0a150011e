"""Rows and words of the webhook pages."""

from __future__ import annotations

from medianest_core.domain.webhooks.catalogue import TEST
from medianest_core.domain.webhooks.entries import (
    DeliveryInfo,
    Message,
    MessageStatus,
    Receiver,
    Sending,
    Subscription,
)
from medianest_core.web.portal.formats import latency
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.views import Action, Badge
from medianest_core.web.portal.views.webhooks import HookRow

BASE = "/admin/webhooks"


def event_label(name: str) -> str:
    """What an event is called, in the reader's language; its own name for those of plugins."""
    return {
        "account:changed": _("An account changed"),
        "download:changed": _("A download changed"),
        "download:removed": _("A download was removed"),
        "incident:changed": _("An incident or announcement"),
        "instance:changed": _("A service changed"),
        "job:changed": _("A job changed its state"),
        "library:changed": _("The library changed"),
        "sync:ended": _("A sync ended"),
        "plugin:changed": _("A plugin changed its state"),
        "request:comment": _("Somebody commented on a request"),
        "request:issue": _("A report of a problem"),
        "request:update": _("A request changed"),
        "service:status": _("Something went up or down"),
        "service:trouble": _("An outage, told once"),
        "system:alert": _("Something that admins should know"),
        TEST: _("A test"),
    }.get(name, name)


def topic_label(topic: str) -> str:
    """What a hint says, in the reader's language."""
    return {
        "": _("Nothing of interest"),
        "media.changed": _("Media changed"),
        "media.removed": _("Media removed"),
        "library.changed": _("The library changed"),
        "request.changed": _("A request changed"),
        "issue.changed": _("A report changed"),
        "status.changed": _("Something went up or down"),
        "sync.ordered": _("A sync was ordered"),
        "system.status": _("How busy the machine is"),
        "test": _("A test"),
    }.get(topic, topic)


def delivery_badge(status: str) -> Badge:
    """How far a delivery is."""
    return {
        "received": Badge(text=_("Being followed"), tone="info"),
        "processed": Badge(text=_("Followed"), tone="success"),
        "ignored": Badge(text=_("Ignored"), tone="neutral"),
        "failed": Badge(text=_("Failed"), tone="error"),
        "refused": Badge(text=_("Refused"), tone="warning"),
    }.get(status, Badge(text=status))


def delivery_row(one: DeliveryInfo, service: str = "") -> HookRow:
    """service: title of the sender, where rows of several stand together."""
    notes = [service] if service else []
    notes.append(topic_label(one.topic))
    if one.replay_of:
        notes.append(_("again"))
    return HookRow(
        title=_(one.summary) or topic_label(one.topic),
        icon="bell" if one.topic == "test" else "webhook",
        path=f"{BASE}/log/{one.id}",
        notes=tuple(notes),
        at=one.received_at,
        badge=delivery_badge(one.status),
    )


def receiver_row(one: Receiver) -> HookRow:
    """A service that may post to us."""
    if not one.enabled:
        badge = Badge(text=_("Off"), tone="neutral")
    elif one.registered_at is not None:
        badge = Badge(text=_("Registered"), tone="success")
    elif one.last_at is not None:
        badge = Badge(text=_("Heard of"), tone="success")
    else:
        badge = Badge(text=_("Not set up"), tone="neutral")
    note = _("Last told us") if one.last_at is not None else _("Has told us nothing yet")
    return HookRow(
        title=one.title,
        icon="server",
        path=f"{BASE}/in/{one.instance_id}",
        notes=(note,),
        at=one.last_at,
        badge=badge,
    )


def sending_badge(state: Sending) -> Badge:
    """Whether messages go out."""
    return {
        Sending.ACTIVE: Badge(text=_("Active"), tone="success"),
        Sending.PAUSED: Badge(text=_("Paused"), tone="warning"),
        Sending.OFF: Badge(text=_("Off"), tone="neutral"),
    }[state]


def subscription_row(one: Subscription) -> HookRow:
    """Somebody who hears of events."""
    count = len(one.events)
    notes = [one.place, ngettext("%(count)s event", "%(count)s events", count) % {"count": count}]
    if one.waiting:
        notes.append(ngettext("%(count)s waits", "%(count)s wait", one.waiting) % {"count": one.waiting})
    return HookRow(
        title=one.name,
        icon="arrow-right",
        path=f"{BASE}/out/{one.id}",
        notes=tuple(notes),
        problem=_(one.reason),
        badge=sending_badge(one.state),
    )


def message_badge(status: MessageStatus) -> Badge:
    """How far a message is."""
    return {
        MessageStatus.WAITING: Badge(text=_("Waiting"), tone="info"),
        MessageStatus.SENT: Badge(text=_("Sent"), tone="success"),
        MessageStatus.FAILED: Badge(text=_("Failed"), tone="error"),
        MessageStatus.DROPPED: Badge(text=_("Dropped"), tone="neutral"),
    }[status]


def message_row(one: Message) -> HookRow:
    """Something that was sent, or is to be."""
    notes = []
    if one.code is not None:
        notes.append(_("Answered %(code)s") % {"code": one.code})
    if one.took_ms is not None:
        notes.append(latency(one.took_ms))
    if one.tries > 1:
        notes.append(ngettext("%(count)s attempt", "%(count)s attempts", one.tries) % {"count": one.tries})
    if one.replay_of:
        notes.append(_("again"))
    label = _("Send now") if one.status is MessageStatus.WAITING else _("Send again")
    return HookRow(
        title=event_label(one.event),
        icon="bell" if one.event == TEST else "webhook",
        path=f"/admin/jobs/{one.job_id}" if one.job_id else None,
        notes=tuple(notes),
        at=one.created_at,
        problem=_(one.error),
        badge=message_badge(one.status),
        actions=(
            Action(
                label=label,
                path=f"{BASE}/out/{one.subscription_id}/messages/{one.id}/replay",
                method="post",
                icon="rotate-ccw",
            ),
        ),
    )
