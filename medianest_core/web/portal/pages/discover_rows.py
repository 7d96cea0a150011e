"""Titles of catalogs as posters, with what the household has or wants of them, and what is missing from a list."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from urllib.parse import quote

from medianest_core.domain.discover.entries import Entry, Trouble
from medianest_core.domain.requests.states import State
from medianest_core.sdk.media import SHOW
from medianest_core.sdk.pipeline import MediaType
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.posters import art, kind_label
from medianest_core.web.portal.views import Action, Badge, Poster, TileState
from medianest_core.web.portal.views.common import Tone

_TONES: Mapping[str, Tone] = {
    State.PENDING: "warning",
    State.HELD: "warning",
    State.AVAILABLE: "success",
    State.PARTIALLY_AVAILABLE: "success",
    State.DECLINED: "error",
    State.FAILED: "error",
}
SHOWN = frozenset(State) - {State.CANCELLED}
"""States of requests that are worth a word on a poster."""


def sheet_path(key: str) -> str:
    """The page of a title by its key."""
    return f"/discover/{quote(key, safe=':')}"


def plain_path(kind: str, ids: Mapping[str, str]) -> str:
    """The sheet of a title by the plainest of its ids: a number rather than a word that a service may use for itself alone."""
    named = sorted(ids.items(), key=lambda one: (not one[1].isdecimal(), len(one[1]), one[0]))
    return sheet_path(f"{kind}:{named[0][0]}:{named[0][1]}")


def type_label(kind: str, types: Mapping[str, MediaType]) -> str:
    """Movie, series, or what a plugin calls its own kind."""
    known = types.get(kind)
    return kind_label(kind) if known is None or known.parent or kind in ("movie", SHOW) else _(known.title)


def wish_label(state: str) -> str:
    """How far a request is, in a word."""
    return {
        State.PENDING: _("Requested"),
        State.HELD: _("Requested"),
        State.APPROVED: _("Approved"),
        State.SUBMITTING: _("Approved"),
        State.PROCESSING: _("On its way"),
        State.PARTIALLY_AVAILABLE: _("Partly there"),
        State.AVAILABLE: _("Available"),
        State.DECLINED: _("Declined"),
        State.FAILED: _("Failed"),
        State.CANCELLED: _("Cancelled"),
    }.get(State(state) if state in frozenset(State) else State.PENDING, _("Requested"))


def wish_badge(state: str) -> Badge:
    return Badge(text=wish_label(state), tone=_TONES.get(state, "info"))


def _badge(entry: Entry) -> Badge | None:
    if entry.available is not None:
        return Badge(text=_("Available"), tone="success")
    if entry.request is not None and entry.request.state in SHOWN:
        return wish_badge(entry.request.state)
    return None


def entry_path(entry: Entry) -> str:
    """Where its poster leads: to the library, the request, or the sheet of the title. Of a show seasons can be missing, so that its
    sheet says more than the library."""
    if entry.available is not None and entry.kind != SHOW:
        return f"/title/{entry.available.title_id}"
    mark = entry.request
    if entry.available is None and mark is not None and mark.id and mark.state in SHOWN:
        return f"/requests/{mark.id}"
    return sheet_path(entry.key)


def entry_poster(entry: Entry) -> Poster:
    return Poster(
        title=entry.title,
        path=entry_path(entry),
        art=art(entry.image, entry.title),
        subtitle=str(entry.year or ""),
        icon="tv" if entry.kind == SHOW else "film",
        badge=_badge(entry),
    )


def posters(entries: Iterable[Entry], without: Collection[str] = ()) -> tuple[Poster, ...]:
    """Each once; without: keys of those that stand elsewhere already."""
    once = {one.key: one for one in entries if one.key not in without}
    return tuple(entry_poster(one) for one in once.values())


def trouble_notes(troubles: Sequence[Trouble]) -> tuple[TileState, ...]:
    """One quiet line for each catalog that is missing or whose part is old."""
    return tuple(_note(one) for one in troubles)


def _note(trouble: Trouble) -> TileState:
    if trouble.shown_from is not None:
        text = _("%(name)s is not answering. Its part of this is shown as it was.")
    elif trouble.late:
        text = _("%(name)s is slow to answer. Its part is here the next time.")
    else:
        text = _("%(name)s could not be asked: %(reason)s")
    return TileState(
        kind="stale",
        title=trouble.title,
        text=text % {"name": trouble.title, "reason": _(trouble.reason)},
        since_at=trouble.shown_from,
    )


def nothing_answered(troubles: Sequence[Trouble], path: str) -> TileState:
    """In place of a list where nobody could be asked."""
    late = all(one.late for one in troubles)
    return TileState(
        kind="failed",
        title=_("The catalogs are slow to answer") if late else _("No catalog could be asked"),
        text=" ".join(one.text for one in trouble_notes(troubles)),
        icon="cloud-off",
        action=Action(label=_("Try again"), path=path, icon="refresh-cw"),
    )
