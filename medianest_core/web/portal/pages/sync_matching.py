"""Admin → sync → matching: titles whose identity is in doubt, what admins decided about it, and titles that are gone and held."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.library.checking.matching import Matching
from medianest_core.domain.library.checking.mismatches import MISMATCHES, Finding, Matched
from medianest_core.domain.library.checking.parts import Family, Part
from medianest_core.domain.library.reading.query import TitleRow
from medianest_core.domain.library.stored.decisions import SAME, Decision
from medianest_core.sdk.errors import NotFound, UserError
from medianest_core.sdk.media import EPISODE, SEASON
from medianest_core.sdk.permissions import ADMIN
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import number
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.people import names_of
from medianest_core.web.portal.pages.posters import art, kind_label
from medianest_core.web.portal.pages.sync_room import BASE, sync_tabs
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import NORMAL, Action, Badge, Choice, TileState
from medianest_core.web.portal.views.sync_matching import (
    DecisionRow,
    FindingRow,
    HeldRow,
    MatchedRow,
    MatchingView,
    PartRow,
    RecordRow,
)

PATH = f"{BASE}/matching"
HELD, DECISIONS = "held", "decisions"
_NUMBER = re.compile(r"(?:^|/title/)(\d{1,9})(?:\D|$)")
_PAGE = 20
_SHOWN = 24


class SyncMatchingPages:
    """Handlers of the page."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page(PATH, self.show, policy=ADMIN),
            page(f"{PATH}/join", self.join, methods=("POST",), policy=ADMIN),
            page(f"{PATH}/split", self.split, methods=("POST",), policy=ADMIN),
            page(f"{PATH}/back", self.take_back, methods=("POST",), policy=ADMIN),
            page(f"{PATH}/held", self.decide, methods=("POST",), policy=ADMIN),
        ]

    async def show(self, request: Request) -> Response:
        """Query: show (one of `MISMATCHES`, "held" or "decisions"), offset, title (whose records are shown alone)."""
        services, query = services_of(request), request.query_params
        matching, absences = services.library.matching, services.library.absences
        counts = dict(await matching.counts())
        lost = await absences.fields_kept()
        counts[HELD] = lost + sum(one.held for one in await absences.held())
        decisions = await matching.decisions()
        counts[DECISIONS] = len(decisions)
        wanted = query.get("show", "")
        if wanted not in counts:
            wanted = next((name for name in (HELD, *MISMATCHES) if counts[name]), MISMATCHES[0])
        offset = whole(query.get("offset")) or 0
        found: list[Finding] = []
        title = whole(query.get("title"))
        if title is not None:
            one = await matching.matched(title)
            found = [Finding("no_ids", "", [one])] if one is not None else []
        elif wanted in MISMATCHES:
            kind = next(name for name in MISMATCHES if name == wanted)
            found = await matching.mismatches(kind, offset=offset, limit=_PAGE)
        family = await matching.family(title) if title is not None and found else Family()
        names = {info.id: info.title for info in services.host.instances.all()}
        rows = await _held_rows(services) if wanted == HELD else []
        people = await names_of(services, [one.actor for one in decisions]) if wanted == DECISIONS else {}
        with use_viewer(self._frame.view(request)):
            view = MatchingView(
                tabs=sync_tabs("matching"),
                choices=_choices(wanted if title is None else "", counts),
                text=_explained(wanted) if title is None else _("The records that this title is made of."),
                findings=tuple(_finding(one, names, wanted) for one in found),
                title_id=title if found else None,
                above=tuple((one.title, records_path(one.id)) for one in family.above),
                parts=tuple(_part(one) for one in family.parts),
                others=tuple(Choice(label=_place(one), value=str(one.row.id)) for one in family.others),
                decisions=tuple(_decision(one, people) for one in decisions) if wanted == DECISIONS else (),
                held=(
                    *(_lost(lost) if lost and wanted == HELD and title is None else ()),
                    *(_held(library, titles, kept, names) for library, titles, kept in rows),
                ),
                before_path=_address(wanted, max(0, offset - _PAGE)) if offset else None,
                after_path=_address(wanted, offset + _PAGE)
                if title is None and counts.get(wanted, 0) > offset + _PAGE and wanted in MISMATCHES
                else None,
                state=NORMAL
                if found or rows or (wanted == DECISIONS and decisions) or (wanted == HELD and lost)
                else _nothing(wanted),
            )
        return await self._frame.page(request, "core/admin/sync_matching.html", view)

    async def join(self, request: Request) -> Response:
        """Fields: title, once for each; other (number or address of one more); show."""
        form = await request.form()
        wanted = [one for value in form.getlist("title") if (one := whole(str(value))) is not None]
        if other := _NUMBER.search(str(form.get("other", ""))[:200]):
            wanted.append(int(other[1]))
        matching = services_of(request).library.matching
        try:
            title = await matching.join(wanted, someone(request).id)
        except (UserError, NotFound) as error:
            if "other" in form and wanted:
                return self._frame.go(request, records_path(wanted[0]), message=_(str(error)))
            return self._back(request, form.get("show"), _(str(error)))
        message = _("They are one title now, and stay it.")
        return self._frame.go(request, await _shown_at(matching, title), message=message)

    async def split(self, request: Request) -> Response:
        """Fields: title, instance, key, show."""
        form = await request.form()
        title = whole(str(form.get("title", "")))
        instance, key = str(form.get("instance", ""))[:36], str(form.get("key", ""))[:190]
        matching = services_of(request).library.matching
        try:
            made = await matching.split(title or 0, instance, key, someone(request).id)
        except (UserError, NotFound) as error:
            return self._back(request, form.get("show"), _(str(error)))
        message = _("It is a title of its own now, and stays it.")
        return self._frame.go(request, await _shown_at(matching, made), message=message)

    async def take_back(self, request: Request) -> Response:
        """Fields: decision."""
        form = await request.form()
        message = _("Taken back: the ids and names decide again.")
        try:
            await services_of(request).library.matching.take_back(
                whole(str(form.get("decision", ""))) or 0, someone(request).id
            )
        except NotFound as error:
            message = _(str(error))
        return self._back(request, DECISIONS, message)

    async def decide(self, request: Request) -> Response:
        """Fields: instance, library, what ("remove" or "keep"; "fields" for the fields that titles lost)."""
        form = await request.form()
        instance, library = str(form.get("instance", ""))[:36], str(form.get("library", ""))[:190]
        absences, actor = services_of(request).library.absences, someone(request).id
        if form.get("what") == "fields":
            await absences.let_fields_go(actor)
            message = _("The titles show what their servers say now.")
        elif form.get("what") == "remove":
            await absences.remove(instance, library, actor)
            message = _("The server is read once more; what it still lacks then is removed.")
        else:
            count = await absences.keep(instance, library, actor)
            message = ngettext("%(count)s record is kept.", "%(count)s records are kept.", count)
            message %= {"count": number(count)}
        return self._back(request, HELD, message)

    def _back(self, request: Request, show: object, message: str) -> Response:
        return self._frame.go(request, _address(str(show or "")[:40]), message=message)


def records_path(title_id: int) -> str:
    """The page that shows which records a title is made of, to take some off."""
    return f"{PATH}?title={title_id}"


def _address(show: str, offset: int = 0) -> str:
    query = {"show": show} | ({"offset": str(offset)} if offset else {})
    return f"{PATH}?{urlencode(query)}" if show else PATH


def _label(name: str) -> str:
    return {
        HELD: _("Gone and held"),
        "no_ids": _("Without ids"),
        "shared_id": _("Same id twice"),
        "several_ids": _("Several ids"),
        "same_name": _("Same name"),
        "kinds": _("Kinds disagree"),
        "orphans": _("Without a show"),
        DECISIONS: _("Decided by hand"),
    }[name]


def _explained(name: str) -> str:
    return {
        HELD: _(
            "Titles that a server no longer lists, so many at once that it looks like a fault. They stay until you decide."
        ),
        "no_ids": _(
            "Nothing but name and year says which title this is, so it meets its like only under the same name."
        ),
        "shared_id": _("Two titles bear the same external id: perhaps they are one."),
        "several_ids": _(
            "Records with different ids of the same provider are one title: perhaps one of them is none of it."
        ),
        "same_name": _("Same kind, name and year, but ids that disagree: perhaps they are one."),
        "kinds": _(
            "One server calls it a film, another a series. Correct it at the server that is wrong; the two cannot be one."
        ),
        "orphans": _(
            "Seasons and episodes whose show the server does not name. They are found by search alone."
        ),
        DECISIONS: _("What was decided here holds for every later sync until it is taken back."),
    }[name]


def _nothing(name: str) -> TileState:
    title = _("Nothing was decided by hand") if name == DECISIONS else _("Nothing of this kind")
    return TileState(kind="empty", title=title, text=_explained(name), icon="circle-check")


def _choices(wanted: str, counts: Mapping[str, int]) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            label=_label(name), value=name, path=_address(name), current=name == wanted, count=counts[name]
        )
        for name in (HELD, *MISMATCHES, DECISIONS)
    )


def _finding(one: Finding, names: Mapping[str, str], show: str) -> FindingRow:
    join = None
    ids = [matched.row.id for matched in one.titles]
    if len(ids) > 1 and len({matched.row.kind for matched in one.titles}) == 1:
        join = Action(
            label=_("They are one title"),
            path=f"{PATH}/join",
            method="post",
            icon="link-2",
            values=(*(("title", str(title)) for title in ids), ("show", show)),
            confirm=_("Make one title of them, for every later sync too? You can take it back."),
        )
    return FindingRow(
        about=one.about, titles=tuple(_matched(matched, names, show) for matched in one.titles), join=join
    )


def _matched(one: Matched, names: Mapping[str, str], show: str) -> MatchedRow:
    several = len(one.records) > 1
    shown = _title(one.row)
    records = []
    for held in one.records:
        split = None
        if several:
            values = (
                ("title", str(one.row.id)),
                ("instance", held.instance_id),
                ("key", held.key),
                ("show", show),
            )
            split = Action(
                label=_("Not this title"),
                path=f"{PATH}/split",
                method="post",
                icon="unlink",
                values=values,
                confirm=_("Take this record off the title, for every later sync too? You can take it back."),
            )
        year = f" ({held.year})" if held.year else ""
        records.append(
            RecordRow(
                title=f"{held.title}{year}",
                source=names.get(held.instance_id, held.instance_id),
                ids=" ".join(f"{provider}:{value}" for provider, value in sorted(held.ids.items())),
                split=split,
            )
        )
    return MatchedRow(
        id=shown.id,
        title=shown.title,
        path=shown.path,
        note=shown.note,
        art=shown.art,
        icon=shown.icon,
        records=tuple(records),
    )


async def _shown_at(matching: Matching, title_id: int) -> str:
    """A part has no page of its own: what it is made of is shown instead."""
    found = await matching.matched(title_id)
    part = found is not None and found.row.kind in (SEASON, EPISODE)
    return records_path(title_id) if part else f"/title/{title_id}"


def _part(part: Part) -> PartRow:
    row = part.row
    index = "" if row.index is None or row.kind not in (SEASON, EPISODE) else f"{row.index} · "
    note = ngettext("%(count)s record", "%(count)s records", part.records) % {"count": number(part.records)}
    return PartRow(title=f"{index}{row.title}", path=records_path(row.id), note=note)


def _place(part: Part) -> str:
    numbers = [part.season, part.row.index] if part.row.kind == EPISODE else [part.row.index]
    where = "×".join(str(one) for one in numbers if one is not None)
    return f"{where} · {part.row.title}" if where else part.row.title


def _title(row: TitleRow) -> MatchedRow:
    year = f" ({row.year})" if row.year else ""
    return MatchedRow(
        id=row.id,
        title=f"{row.title}{year}",
        path=f"/title/{row.id}",
        note=kind_label(row.kind),
        art=art(row.poster),
        icon="film" if row.kind == "movie" else "tv",
        records=(),
    )


def _decision(one: Decision, people: Mapping[str, str]) -> DecisionRow:
    same = one.verdict == SAME
    return DecisionRow(
        id=one.id,
        badge=Badge(text=_("One title"), tone="info", icon="link-2")
        if same
        else Badge(text=_("Taken off"), tone="warning", icon="unlink"),
        text=" = ".join(one.titles),
        at=one.at,
        who=people.get(one.actor or "", ""),
        back=Action(
            label=_("Take back"),
            path=f"{PATH}/back",
            method="post",
            icon="undo-2",
            values=(("decision", str(one.id)),),
        ),
    )


Held = tuple[tuple[str, str, str, int, bool], list[TitleRow], bool]


async def _held_rows(services: Services) -> list[Held]:
    """(instance, library, its title, how many, released), its titles, whether an admin kept them."""
    absences, found = services.library.absences, []
    for one in await absences.held():
        for count, kept in ((one.held, False), (one.kept, True)):
            if count:
                titles = await absences.titles(one.instance_id, one.key, kept=kept, limit=_SHOWN)
                found.append(((one.instance_id, one.key, one.title, count, one.released), titles, kept))
    return found


def _lost(count: int) -> tuple[HeldRow]:
    text = ngettext("%(count)s title lost much at once.", "%(count)s titles lost much at once.", count)
    clear = Action(
        label=_("They are really gone: clear"),
        path=f"{PATH}/held",
        method="post",
        icon="trash-2",
        tone="error",
        values=(("what", "fields"),),
        confirm=_("Show what the servers say now, also where they say nothing?"),
    )
    row = HeldRow(
        title=_("What many titles lost at once"),
        source=_(
            "Descriptions, people, pictures or subtitles that servers stopped telling, so many of a title at once"
            " that it looks like a fault."
        ),
        text=text % {"count": number(count)},
        badge=Badge(text=_("Waits for you"), tone="warning", icon="triangle-alert"),
        titles=(),
        more="",
        actions=(clear,),
    )
    return (row,)


def _held(
    library: tuple[str, str, str, int, bool], titles: Sequence[TitleRow], kept: bool, names: Mapping[str, str]
) -> HeldRow:
    instance, key, title, count, released = library
    where = (("instance", instance), ("library", key))
    remove = Action(
        label=_("They are gone: remove"),
        path=f"{PATH}/held",
        method="post",
        icon="trash-2",
        tone="error",
        values=(*where, ("what", "remove")),
        confirm=_(
            "The server is read once more, and what it still lacks is removed from the library. Go on?"
        ),
    )
    keep = Action(
        label=_("Keep"), path=f"{PATH}/held", method="post", icon="archive", values=(*where, ("what", "keep"))
    )
    text = ngettext("%(count)s record is gone.", "%(count)s records are gone.", count) % {
        "count": number(count)
    }
    if released:
        badge = Badge(text=_("Going with the next sync"), tone="info")
    elif kept:
        badge = Badge(text=_("Kept"), tone="neutral", icon="archive")
    else:
        badge = Badge(text=_("Waits for you"), tone="warning", icon="triangle-alert")
    return HeldRow(
        title=title,
        source=names.get(instance, instance),
        text=text,
        badge=badge,
        titles=tuple(_title(row) for row in titles),
        more=_("Only the first are shown.") if len(titles) >= _SHOWN else "",
        actions=(remove,) if kept else (remove, keep),
    )
