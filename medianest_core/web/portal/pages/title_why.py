"""Why a title looks as it does: each value with its source, who else offers what, locks and holds; and its history. For admins."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.library.merge import LOCK, Path
from medianest_core.domain.library.past.history import Entry
from medianest_core.domain.library.past.locking import PRESENT, TEXTS
from medianest_core.domain.library.past.rollback import Report
from medianest_core.domain.library.past.why import Explained, FieldWhy
from medianest_core.domain.library.writing.changes import HOLDINGS, ORIGINS
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import number
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.conflict import conflict_page, last_change
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.people import names_of
from medianest_core.web.portal.pages.posters import kind_label
from medianest_core.web.portal.pages.sync_matching import records_path
from medianest_core.web.portal.pages.sync_room import PART
from medianest_core.web.portal.pages.title_words import field_label, group_label, shown, words
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import NORMAL, Action, Badge, Choice, Fact, TileState
from medianest_core.web.portal.views.title_why import (
    OfferRow,
    PastRow,
    TitleWhyView,
    WhyGroup,
    WhyRow,
)

_PAGE = 40
_WORDS = {*TEXTS, "year", "rating", "audience_rating", "genres"}


class TitleWhyPages:
    """Handlers of the values of a title and of their history."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page("/title/{id}/why", self.why, policy=ADMIN),
            page("/title/{id}/why", self.act, methods=("POST",), policy=ADMIN),
            page("/title/{id}/why/history", self.history, policy=ADMIN),
        ]

    async def why(self, request: Request) -> Response:
        services = services_of(request)
        found = await self._explained(request)
        with use_viewer(self._frame.view(request)):
            view = self._view(
                found, "values", groups=_groups(found, _instances(services)), note=_kept_note(found)
            )
        return await self._frame.page(request, "core/title_why.html", view)

    async def history(self, request: Request) -> Response:
        """Query: cursor; part, twice for nested values: only what concerns this one."""
        services = services_of(request)
        found = await self._explained(request)
        path = tuple(request.query_params.getlist("part"))[:2]
        entries = await services.library.past.history.of_title(
            found.row.id, path=path or None, cursor=request.query_params.get("cursor") or None, limit=_PAGE
        )
        names = await names_of(services, (one.actor for one in entries.items))
        with use_viewer(self._frame.view(request)):
            base = _history_path(found.row.id, path)
            more = None
            if entries.cursor:
                more = base + ("&" if path else "?") + urlencode({"cursor": entries.cursor})
            view = self._view(
                found,
                "history",
                past=tuple(
                    _past_row(one, _instances(services), names, found.version) for one in entries.items
                ),
                past_of=field_label(path) if path else "",
                next_path=more,
                state=NORMAL
                if entries.items
                else TileState(
                    kind="empty",
                    title=_("Nothing has changed yet"),
                    text=_("Since it came into the library, or as far back as changes are kept."),
                    icon="history",
                ),
            )
        return await self._frame.page(request, "core/title_why.html", view)

    async def act(self, request: Request) -> Response:
        """Fields: do ("lock", "unlock", "release" or "rollback"), path (JSON), version; for a lock, offer (instance id), text, or
        empty; for a rollback, change or run."""
        form = await request.form()
        found = await self._explained(request)
        sent = {name: str(value) for name, value in form.items()}
        title_id, actor = found.row.id, someone(request).id
        back = f"/title/{title_id}/why"
        path = _path_of(sent.get("path", "[]"))
        past = services_of(request).library.past
        version = whole(sent.get("version"))
        do = sent.get("do", "")
        try:
            if do == "lock":
                await past.locking.lock(
                    title_id, path, actor, value=_wanted(found, path, sent), version=version
                )
                message = _("Locked. No sync changes it.")
            elif do == "unlock":
                await past.locking.unlock(title_id, path, actor, version=version)
                message = _("Unlocked. It shows what the servers say.")
            elif do == "release":
                await past.locking.release(title_id, path, actor, version=version)
                message = _("No longer held. It shows what the servers say.")
            elif do == "rollback":
                change, run = whole(sent.get("change")), whole(sent.get("run"))
                if change is not None:
                    report = await past.rollback.change(change, actor, title_id=title_id)
                else:
                    report = await past.rollback.title(title_id, actor, run=run)
                message, back = _told(report), f"{back}/history"
            else:
                raise UserError(_("There is no such action."))
        except Stale as stale:
            return await self._conflict(request, found, path, sent, int(stale.current["version"]))
        return self._frame.go(request, back, message=message)

    async def _conflict(
        self, request: Request, found: Explained, path: Path, sent: Mapping[str, str], version: int
    ) -> Response:
        services = services_of(request)
        change = await last_change(services, str(found.row.id), "library.")
        with use_viewer(self._frame.view(request)):
            label = field_label(path)
            wanted = {
                "lock": _("Lock: %(field)s"),
                "unlock": _("Unlock: %(field)s"),
                "release": _("Hold no longer: %(field)s"),
            }[sent["do"]] % {"field": label}
            present = next((one for one in found.fields if one.path == path), None)
            return await conflict_page(
                self._frame,
                request,
                title=found.row.title,
                change=change,
                wanted=wanted,
                present=(Fact(label=label, value=words(path, present.value if present else None)),),
                again=Action(
                    label=wanted,
                    path=f"/title/{found.row.id}/why",
                    method="post",
                    values=tuple(sent.items()),
                ),
                version=version,
                back=f"/title/{found.row.id}/why",
            )

    def _view(self, found: Explained, current: str, **rest: Any) -> TitleWhyView:
        base = f"/title/{found.row.id}/why"
        return TitleWhyView(
            title=found.row.title,
            kind_label=kind_label(found.row.kind),
            title_path=f"/title/{found.row.id}",
            path=base if current == "values" else f"{base}/history",
            tabs=(
                Choice(label=_("Values"), value="values", path=base, current=current == "values"),
                Choice(
                    label=_("History"),
                    value="history",
                    path=f"{base}/history",
                    current=current == "history",
                ),
                Choice(label=_("Records"), value="records", path=records_path(found.row.id)),
            ),
            actions=(
                Action(label=_("Sync this title"), path=f"{PART}?title={found.row.id}", icon="refresh-cw"),
            ),
            **rest,
        )

    async def _explained(self, request: Request) -> Explained:
        title_id = whole(request.path_params["id"])
        found = await services_of(request).library.past.explain(title_id) if title_id is not None else None
        if found is None:
            raise Missing(_("This title is not in the library."))
        return found


def _instances(services: Services) -> dict[str, str]:
    return {info.id: info.title for info in services.host.instances.all()}


def _kept_note(found: Explained) -> str:
    if found.kept is None:
        return ""
    return _(
        "No server has this title any more. A rollback brought it back as it was, until one has it again."
    )


def _groups(found: Explained, names: Mapping[str, str]) -> tuple[WhyGroup, ...]:
    groups: dict[str, list[WhyRow]] = {}
    for one in found.fields:
        groups.setdefault(one.group, []).append(_row(one, found, names))
    return tuple(
        WhyGroup(
            id=group,
            title=group_label(group),
            order=" › ".join(_name(one, names) for one in found.ranks.get(group, ()))
            if len(found.ranks.get(group, ())) > 1
            else "",
            rows=tuple(rows),
        )
        for group, rows in groups.items()
    )


def _row(one: FieldWhy, found: Explained, names: Mapping[str, str]) -> WhyRow:
    values = (("path", json.dumps(one.path)), ("version", str(found.version)))
    action = f"/title/{found.row.id}/why"
    actions: list[Action] = []
    note, at, run_path = "", None, None
    if one.lock is not None:
        note, at = _("Locked"), one.lock.at
        actions.append(_post(_("Unlock"), action, "key", ("do", "unlock"), *values))
    else:
        actions.append(_post(_("Lock"), action, "lock", ("do", "lock"), *values))
    if one.hold is not None and found.kept is None:
        says = _name(one.hold.against_from, names) if one.hold.against_from else ""
        note = (
            _("Held since it was rolled back, as long as %(server)s says: %(value)s")
            % {"server": says, "value": shown(one.path, one.hold.against).text or _("another picture")}
            if says
            else _("Held since it was rolled back, until a server says something.")
        )
        at, run_path = one.hold.at, f"/admin/sync/runs/{one.hold.run}"
        actions.append(_post(_("Hold no longer"), action, "undo-2", ("do", "release"), *values))
    others = [offer for offer in one.offers if not offer.chosen]
    write = None
    if one.path[0] in _WORDS:
        write = ", ".join(one.value) if isinstance(one.value, list) else str(one.value or "")
    return WhyRow(
        id="-".join(one.path),
        label=field_label(one.path),
        value=shown(one.path, one.value, title_id=found.row.id, origin=one.origin, image=one.image),
        source=_source(one, names),
        reason=_reason(one, found, names),
        note=note,
        noted_at=at,
        run_path=run_path,
        offers=tuple(
            OfferRow(
                server=_name(offer.instance_id, names),
                rank=_("%(place)d. in order") % {"place": offer.rank},
                value=shown(one.path, offer.value, title_id=found.row.id, origin=offer.instance_id),
                chosen=offer.chosen,
                action=_post(
                    _("Lock this"),
                    action,
                    "lock",
                    ("do", "lock"),
                    ("offer", offer.instance_id),
                    *values,
                ),
            )
            for offer in one.offers
        )
        if others or one.lock is not None
        else (),
        offers_label=ngettext(
            "%(count)s server offers a value", "%(count)s servers offer a value", len(one.offers)
        )
        % {"count": number(len(one.offers))},
        actions=tuple(actions),
        write=write,
        write_values=(("do", "lock"), *values),
        history_path=_history_path(found.row.id, one.path),
    )


def _post(label: str, path: str, icon: str, *values: tuple[str, str]) -> Action:
    return Action(label=label, path=path, method="post", icon=icon, values=values)


def _source(one: FieldWhy, names: Mapping[str, str]) -> Badge:
    if one.why == "lock":
        return Badge(text=_("Locked"), tone="warning", icon="lock")
    if one.why == "held":
        return Badge(text=_("Held"), tone="info", icon="history")
    if one.origin is None:
        return Badge(text=_("nobody"))
    return Badge(text=_name(one.origin, names), icon="server")


def _reason(one: FieldWhy, found: Explained, names: Mapping[str, str]) -> str:
    if one.why == "lock":
        return _("An admin locked it; no server changes it.")
    if one.why == "held":
        return _("Rolled back to what %(server)s had said.") % {"server": _name(one.origin or "", names)}
    if one.why == "empty":
        return _("Nobody says anything.") if not one.offers else _("Kept empty.")
    if one.why == "only":
        return _("Nobody else says anything.")
    place = next((offer.rank for offer in one.offers if offer.chosen), 1)
    if place == 1:
        return _("First in the order of servers.")
    return _("The first in the order of servers that says anything.")


def _name(instance: str, names: Mapping[str, str]) -> str:
    return _("an admin") if instance == LOCK else names.get(instance) or _("a server that is gone")


def _history_path(title_id: int, path: Sequence[str]) -> str:
    return f"/title/{title_id}/why/history" + (
        "?" + urlencode([("part", one) for one in path]) if path else ""
    )


def _past_row(one: Entry, names: Mapping[str, str], people: Mapping[str, str], version: int) -> PastRow:
    action = f"/title/{one.title_id}/why"
    actions: list[Action] = []
    if one.path not in ((), HOLDINGS):
        actions.append(_post(_("Roll back"), action, "undo-2", ("do", "rollback"), ("change", str(one.id))))
    if one.run_id:
        whole_title = _post(
            _("The whole title to before this"),
            action,
            "history",
            ("do", "rollback"),
            ("run", str(one.run_id)),
        )
        actions.append(whole_title)
    before, after = one.before, one.after
    if one.path == HOLDINGS:
        before, after = ([_name(server, names) for server in side or ()] for side in (before, after))
    elif one.path == ORIGINS:
        before, after = (
            list(
                dict.fromkeys(f"{field_label(tuple(path))}: {_name(server, names)}" for path, server in side)
            )
            for side in (before or (), after or ())
        )
    return PastRow(
        label=field_label(one.path),
        at=one.at,
        before=shown(one.path, before, title_id=one.title_id, origin=one.before_from),
        after=shown(one.path, after, title_id=one.title_id, origin=one.source),
        reason=rule_words(one.rule, _name(one.source, names) if one.source else "", one.before_from == LOCK),
        who=people.get(one.actor or "", ""),
        run=_("Run %(number)d") % {"number": one.run_id} if one.run_id else "",
        run_path=f"/admin/sync/runs/{one.run_id}" if one.run_id else None,
        actions=tuple(actions),
    )


def rule_words(rule: str, server: str, unlocked: bool = False) -> str:
    """Why a value changed. server: who says what stands there now, "" for nobody."""
    if unlocked and rule not in ("rollback", "lock"):
        return _("Unlocked")
    texts = {
        "only": _("%(server)s says so, and nobody else says anything")
        if server
        else _("Only one server says so"),
        "priority": _("%(server)s comes first of those that say anything")
        if server
        else _("By the order of servers"),
        "lock": _("Locked by an admin"),
        "held": _("Held since a rollback"),
        "cleared": _("No server says anything any more"),
        "moved": _("The same values, from elsewhere"),
        "rollback": _("Rolled back"),
        "removed": _("No server has it any more"),
        "joined": _("It became one with another title"),
        "withheld": _("Taken out of the library by a rollback"),
        "restored": _("Brought back by a rollback"),
    }
    text = texts.get(rule, rule)
    return text % {"server": server} if "%(server)s" in text else text


def _told(report: Report) -> str:
    """What a rollback came to, for the message on the next page."""
    counts = report.counts
    found = []
    if counts["restored"]:
        text = ngettext(
            "%(count)s value is as it was, until its server says something else.",
            "%(count)s values are as they were, until their servers say something else.",
            counts["restored"],
        )
        found.append(text % {"count": number(counts["restored"])})
    if counts["locked"]:
        text = ngettext("%(count)s value is locked.", "%(count)s values are locked.", counts["locked"])
        found.append(text % {"count": number(counts["locked"])})
    return " ".join(found) or _("It stood there already.")


def _path_of(text: str) -> Path:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or len(found) > 2 or not all(isinstance(one, str) for one in found):
        raise UserError(_("There is no such field."))
    return tuple(found)


def _wanted(found: Explained, path: Path, sent: Mapping[str, str]) -> Any:
    """The value that a form asks to be locked."""
    if "offer" in sent:
        offers = next((one.offers for one in found.fields if one.path == path), ())
        for offer in offers:
            if offer.instance_id == sent["offer"]:
                return offer.value
        raise UserError(_("This server offers no such value any more."))
    if "text" not in sent:
        return PRESENT
    text = sent["text"].strip()
    if not text:
        return None
    try:
        if path == ("year",):
            return int(text)
        if path[:1] in (("rating",), ("audience_rating",)):
            return float(text.replace(",", "."))
    except ValueError:
        raise UserError(_("This is not a number.")) from None
    if path == ("genres",):
        return [one.strip() for one in text.split(",") if one.strip()]
    return text
