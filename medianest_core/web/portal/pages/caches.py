"""Admin → caches: what is kept for a while, how it fares, and emptying it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.cache.cached import Facts
from medianest_core.domain.accounts.errors import Missing
from medianest_core.sdk.permissions import ADMIN
from medianest_core.store.repos import audit
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import number, percent, size, span
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Action, Stat
from medianest_core.web.portal.views.caches import CacheRow, CachesView

BASE = "/admin/caches"


class CachePages:
    """Handlers of admin → caches."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page(BASE, self.list, policy=ADMIN),
            page(BASE + "/{name}/clear", self.clear, methods=("POST",), policy=ADMIN),
        ]

    async def list(self, request: Request) -> Response:
        found = await services_of(request).caches.facts()
        with use_viewer(self._frame.view(request)):
            asked = sum(one.hits + one.misses for one in found)
            ratio = sum(one.hits for one in found) / asked if asked else None
            view = CachesView(
                stats=(
                    Stat(label=_("Held"), value=size(sum(one.bytes for one in found)), icon="hard-drive"),
                    Stat(label=_("Found at hand"), value=_share(ratio), icon="zap"),
                    Stat(label=_("Questions"), value=number(asked), icon="search"),
                    Stat(
                        label=_("Shown although a service was away"),
                        value=number(sum(one.rescued for one in found)),
                        icon="cloud-off",
                    ),
                ),
                rows=tuple(cache_row(one) for one in found),
            )
        return await self._frame.page(request, "core/admin/caches.html", view)

    async def clear(self, request: Request) -> Response:
        services, name = services_of(request), request.path_params["name"]
        if not await services.caches.clear(name):
            raise Missing(_("There is no such cache."))
        async with services.db.begin() as tx:
            await audit.record(tx, actor=someone(request).id, action="caches.clear", target=name)
        return self._frame.go(request, BASE, message=_("Emptied."))


def cache_row(facts: Facts) -> CacheRow:
    """A cache in words."""
    title, text, icon = _words().get(facts.name, (facts.name, "", "database"))
    held = ngettext("%(count)s entry", "%(count)s entries", facts.entries) % {"count": number(facts.entries)}
    used = size(facts.bytes)
    if facts.capacity is not None:
        used = _("%(used)s of %(all)s") % {"used": used, "all": size(facts.capacity)}
    notes = []
    if facts.fresh is not None:
        notes.append(_("good for %(time)s") % {"time": span(facts.fresh)})
    if facts.stale:
        notes.append(_("%(time)s longer while a service is away") % {"time": span(facts.stale)})
    if facts.failed:
        notes.append(_("%(count)s questions failed") % {"count": number(facts.failed)})
    return CacheRow(
        name=facts.name,
        title=title,
        text=text,
        icon=icon,
        held=f"{held}, {used}",
        hits=_("not asked yet")
        if facts.ratio is None
        else _("%(share)s found at hand") % {"share": percent(facts.ratio)},
        notes=tuple(notes),
        oldest_at=facts.oldest_at,
        clear=Action(label=_("Empty"), path=f"{BASE}/{facts.name}/clear", method="post", icon="trash-2"),
    )


def _share(ratio: float | None) -> str:
    return "–" if ratio is None else percent(ratio)


def _words() -> dict[str, tuple[str, str, str]]:
    return {
        "images": (_("Pictures"), _("Posters and other artwork, made fit for browsers."), "image"),
        "answers": (_("API answers"), _("Lists of the library that are the same for everyone."), "cable"),
        "pieces": (_("Parts of pages"), _("Rendered posters and dialogs."), "panels-top-left"),
        "links": (_("Player links"), _("Addresses that open a title in its server's player."), "link"),
        "discover": (_("Lists of catalogs"), _("What is found and browsed beyond the library."), "compass"),
        "catalog": (_("Titles of catalogs"), _("Everything known of one title."), "film"),
        "inspections": (_("Previews of downloads"), _("What is behind an address."), "download"),
    }
