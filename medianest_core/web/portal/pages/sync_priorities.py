"""Admin → sync → priorities: the order of sources for each group of fields. What is tried stands in the address, so that it works
without script, can be looked at again, and is written only when it is saved."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.library.ordering.prospect import Example, Prospect, Swap
from medianest_core.domain.library.ordering.ranking import Rankable, Ranked
from medianest_core.domain.library.ordering.ranks import complete, moved
from medianest_core.domain.library.stored.priorities import ALL, GROUP_NAMES
from medianest_core.ledger.states import UNFINISHED
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
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.posters import art, kind_label
from medianest_core.web.portal.pages.services import service_icon
from medianest_core.web.portal.pages.sync_room import BASE, sync_tabs
from medianest_core.web.portal.pages.title_words import field_label, group_label, shown
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import NORMAL, Action, Badge, Choice, Progress, TileState
from medianest_core.web.portal.views.sync_priorities import (
    ExampleRow,
    PrioritiesView,
    ProspectPanel,
    RankRow,
    StepLink,
    SwapRow,
)

PATH = f"{BASE}/priorities"
_LONGEST = 8000
Ranks = Sequence[Sequence[str]]


class SyncPriorityPages:
    """Handlers of the page."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page(PATH, self.show, policy=ADMIN),
            page(PATH, self.save, methods=("POST",), policy=ADMIN),
            page(f"{PATH}/undo", self.undo, methods=("POST",), policy=ADMIN),
        ]

    async def show(self, request: Request) -> Response:
        """Query: group; order, as `written` writes it; preview."""
        services, query = services_of(request), request.query_params
        ranked = await services.library.ranking.current()
        group = query.get("group", ALL)
        group = group if group in GROUP_NAMES else ALL
        known = services.library.ranking.rankable()
        ids = [one.id for one in known]
        stored = complete(ranked.orders.get(group) or ranked.orders.get(ALL) or [], ids)
        shown = complete(read(query["order"]), ids) if "order" in query else stored
        prospect = None
        if "preview" in query:
            prospect = await services.library.ranking.preview({**ranked.orders, group: shown})
        progress = await _running(services, ranked)
        with use_viewer(self._frame.view(request)):
            view = _view(services, ranked, known, group, stored, shown, prospect, progress)
        return await self._frame.page(request, "core/admin/sync_priorities.html", view)

    async def save(self, request: Request) -> Response:
        """Fields: group, order (empty: none of its own), version."""
        services, form = services_of(request), await request.form()
        group, order = str(form.get("group", ""))[:40], str(form.get("order", ""))[:_LONGEST]
        ranked = await services.library.ranking.current()
        try:
            await services.library.ranking.save(
                {**ranked.orders, group: read(order)}, whole(form.get("version")), someone(request).id
            )
        except Stale:
            told = _(
                "Someone else changed the order in the meantime. Look again at what would change, and save."
            )
            return self._frame.go(request, _address(group, order), message=told)
        except UserError as error:
            return self._frame.go(request, _address(group), message=_(str(error)))
        return self._frame.go(
            request, _address(group), message=_("Saved. The library is merged again; no server is asked.")
        )

    async def undo(self, request: Request) -> Response:
        """Fields: group (to come back to), version."""
        services, form = services_of(request), await request.form()
        message = _("The order is as it was before the last change.")
        try:
            await services.library.ranking.undo(whole(form.get("version")), someone(request).id)
        except Stale:
            message = _("Someone else changed the order in the meantime.")
        except UserError as error:
            message = _(str(error))
        return self._frame.go(request, _address(str(form.get("group", ALL))[:40]), message=message)


def written(ranks: Ranks) -> str:
    """ "a,b~c": a first, then b and c alike."""
    return ",".join("~".join(rank) for rank in ranks)


def read(order: str) -> list[list[str]]:
    """Back from `written`. Whoever is named twice counts where named first."""
    seen: set[str] = set()
    found: list[list[str]] = []
    for part in order[:_LONGEST].split(","):
        rank = [one for one in dict.fromkeys(part.split("~")) if one and one not in seen]
        seen.update(rank)
        if rank:
            found.append(rank)
    return found


def _address(group: str, order: str | None = None) -> str:
    query = {"group": group} | ({"order": order} if order is not None else {})
    return f"{PATH}?{urlencode(query)}"


async def _running(services: Services, ranked: Ranked) -> Progress | None:
    if ranked.job_id is None:
        return None
    async with services.db.read() as tx:
        job = await services.ledger.get_job(tx, ranked.job_id)
    if job is None or job.state not in UNFINISHED:
        return None
    return Progress(
        live=f"job/{job.id}",
        fraction=None if job.percent is None else job.percent / 100,
        done=int(job.done),
        total=None if job.total is None else int(job.total),
        text=_("The library is merged again in the new order."),
    )


def _view(
    services: Services,
    ranked: Ranked,
    known: Sequence[Rankable],
    group: str,
    stored: Ranks,
    shown: Ranks,
    prospect: Prospect | None,
    progress: Progress | None,
) -> PrioritiesView:
    named = {one.id: one for one in known}
    order, own = written(shown), group in ranked.orders
    actions = []
    if own and group != ALL:
        actions.append(
            _post(_("No order of its own"), PATH, "layers", group, ranked.version, (("order", ""),))
        )
    if ranked.former:
        actions.append(_post(_("Undo the last change"), f"{PATH}/undo", "undo-2", group, ranked.version))
    return PrioritiesView(
        tabs=sync_tabs("priorities"),
        groups=tuple(
            Choice(
                label=_group(name) + (" •" if name in ranked.orders and name != ALL else ""),
                value=name,
                path=_address(name),
                current=name == group,
            )
            for name in GROUP_NAMES
        ),
        group=group,
        group_text=_group_text(group, own),
        rows=_rows(services, named, group, shown),
        order=order,
        version=ranked.version,
        changed=order != written(stored),
        move_path=_address(group, ""),
        ask_path=f"{_address(group, order)}&preview=1",
        token=hashlib.blake2b(f"{group} {order} {ranked.version}".encode(), digest_size=6).hexdigest(),
        reset_path=_address(group),
        prospect=_panel(prospect, named) if prospect is not None else None,
        progress=progress,
        actions=tuple(actions),
        state=NORMAL
        if len(known) > 1
        else TileState(
            kind="empty",
            title=_("There is nothing to order yet"),
            text=_(
                "With a second server, or a service that adds to titles, you choose here whose values count."
            ),
            icon="list-ordered",
            action=Action(label=_("Services"), path="/admin/services", icon="server"),
        ),
    )


def _post(
    label: str,
    path: str,
    icon: str,
    group: str,
    version: int,
    more: tuple[tuple[str, str], ...] = (),
) -> Action:
    values = (("group", group), ("version", str(version)), *more)
    return Action(label=label, path=path, method="post", icon=icon, values=values)


def _group(name: str) -> str:
    return _("All fields") if name == ALL else group_label(name)


def _group_text(group: str, own: bool) -> str:
    if group == ALL:
        return _("Holds for every group of fields that has no order of its own.")
    if own:
        return _("These fields have an order of their own.")
    return _("These fields follow the order for all fields until you save one of their own.")


def _rows(services: Services, named: Mapping[str, Rankable], group: str, shown: Ranks) -> tuple[RankRow, ...]:
    found = []
    for number_, rank in enumerate(shown, start=1):
        for one in (named[instance] for instance in rank):
            badges = []
            if not one.enabled:
                badges.append(Badge(text=_("Switched off: comes last"), tone="warning"))
            if len(rank) > 1:
                badges.append(Badge(text=_("Alike: the newest counts"), tone="info"))
            found.append(
                RankRow(
                    id=one.id,
                    title=one.title,
                    icon=service_icon(services, one.plugin, one.service),
                    rank=number_,
                    note=_("Has titles") if one.holds else _("Adds to titles"),
                    badges=tuple(badges),
                    steps=tuple(_steps(one, group, shown, alone=len(rank) == 1)),
                )
            )
    return tuple(found)


def _steps(one: Rankable, group: str, shown: Ranks, *, alone: bool) -> list[StepLink]:
    tie = (
        ("tie", _("Count like the one before"), "link-2")
        if alone
        else ("untie", _("Count by itself"), "unlink")
    )
    found = []
    for step, label, icon in (
        ("up", _("Move up"), "arrow-up"),
        ("down", _("Move down"), "arrow-down"),
        tie,
    ):
        order = moved(shown, one.id, step)
        found.append(
            StepLink(
                id=f"{'tie' if step == 'untie' else step}-{one.id}",
                label=f"{label}: {one.title}",
                icon=icon,
                path=_address(group, written(order)),
                disabled=written(order) == written(shown),
            )
        )
    return found


def _panel(found: Prospect, named: Mapping[str, Rankable]) -> ProspectPanel:
    if not found.fields:
        text = _("No title would look different.")
    else:
        text = ngettext(
            "%(fields)s value of %(titles)s title would change.",
            "%(fields)s values of %(titles)s titles would change.",
            found.fields,
        ) % {"fields": number(found.fields), "titles": number(found.titles)}
    note = ""
    if not found.complete:
        note = _("The library is large: %(count)s of %(total)s titles were looked at.") % {
            "count": number(found.looked_at),
            "total": number(found.of),
        }
    return ProspectPanel(
        text=text,
        note=note,
        groups=tuple((group_label(name), number(count)) for name, count in found.groups.most_common()),
        servers=tuple((_source(name, named), number(count)) for name, count in found.servers.most_common()),
        examples=tuple(_example(one, named) for one in found.examples),
    )


def _example(one: Example, named: Mapping[str, Rankable]) -> ExampleRow:
    more = ngettext("and %(count)s more", "and %(count)s more", one.more) % {"count": number(one.more)}
    return ExampleRow(
        title=one.title,
        path=f"/title/{one.title_id}",
        kind=kind_label(one.kind),
        swaps=tuple(_swap(swap, named) for swap in one.swaps),
        more=more if one.more else "",
    )


def _swap(swap: Swap, named: Mapping[str, Rankable]) -> SwapRow:
    pictures = swap.path[0] == "assets"
    field, before, after = (
        field_label(swap.path),
        _source(swap.before_from, named),
        _source(swap.after_from, named),
    )
    return SwapRow(
        field=field,
        before="" if pictures else shown(swap.path, swap.before).text,
        after="" if pictures else shown(swap.path, swap.after).text,
        before_from=before,
        after_from=after,
        before_art=art(swap.before_image, f"{field}, {before}"),
        after_art=art(swap.after_image, f"{field}, {after}"),
        tall=swap.path[-1] == "poster",
    )


def _source(instance: str | None, named: Mapping[str, Rankable]) -> str:
    if not instance:
        return ""
    return named[instance].title if instance in named else instance
