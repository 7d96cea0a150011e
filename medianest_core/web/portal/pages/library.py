"""The library: the grid with its filters, title pages, collections, and the images of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.accounts.saved import LIBRARY
from medianest_core.domain.library.reading.titles import TitleDetail
from medianest_core.domain.library.service import CollectionCard as Stored
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.media import EPISODE, SEASON, SHOW
from medianest_core.sdk.permissions import USER
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame, is_htmx
from medianest_core.web.portal.pages.images import FOR_GOOD, image_response, width_of
from medianest_core.web.portal.pages.library_filters import chips, filters, kinds, path_of, query_of, sorts
from medianest_core.web.portal.pages.places import place_row
from medianest_core.web.portal.pages.plays import episode_badges, plays_view
from medianest_core.web.portal.pages.plugin_pages import PluginPages
from medianest_core.web.portal.pages.posters import (
    art,
    day,
    headline,
    kind_label,
    kinds_label,
    media_badges,
    poster,
    quality_label,
)
from medianest_core.web.portal.pages.saved import saved_bar
from medianest_core.web.portal.pages.title_asks import Asks, ask_actions, asks_of
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import (
    NORMAL,
    Action,
    Art,
    Badge,
    Choice,
    CollectionCard,
    CollectionsView,
    CollectionView,
    Episode,
    Fact,
    LibraryView,
    Person,
    Season,
    Sentinel,
    TileState,
    TitleView,
)


class LibraryPages:
    """Handlers of the library."""

    def __init__(self, frame: Frame, plugins: PluginPages) -> None:
        self._frame = frame
        self._plugins = plugins

    def routes(self) -> list[BaseRoute]:
        return [
            page("/library", self.grid, policy=USER),
            page("/library/{kind}", self.grid, policy=USER),
            page("/fragments/library", self.grid_fragment, policy=USER),
            page("/title/{id}", self.title, policy=USER),
            page("/title/{id}/play/{instance}", self.play, policy=USER),
            page("/collections", self.collections, policy=USER),
            page("/collections/{instance}/{key}", self.collection, policy=USER),
            page("/img/{id}", self.image, policy=USER),
        ]

    async def grid(self, request: Request) -> Response:
        if request.query_params.get("cursor") and is_htmx(request):
            return await self.grid_fragment(request)
        if (held := await self._held(request)) is not None:
            return held
        view = await self._library(request)
        return await self._frame.page(request, "core/library.html", view)

    async def _held(self, request: Request) -> Response | None:
        """304 where neither the library, nor the searches one keeps, nor the frame changed since the browser read this."""
        services = services_of(request)
        kept = await services.accounts.saved.of(someone(request).id, LIBRARY)
        return await self._frame.unchanged(
            request, await services.library.generation(), kept, "hx-current-url" in request.headers
        )

    async def grid_fragment(self, request: Request) -> Response:
        if (held := await self._held(request)) is not None:
            return held
        view = await self._library(request)
        if request.query_params.get("cursor"):
            return self._frame.fragment(request, "core/fragments/posters.html", view)
        path = path_of(request.query_params.multi_items())
        before = urlsplit(request.headers.get("hx-current-url", ""))
        # Back takes a filter away again, but not one letter of a word.
        typed = before.path.endswith(urlsplit(path).path) and _untyped(before.query) == _untyped(
            urlsplit(path).query
        )
        header = "HX-Replace-Url" if typed else "HX-Push-Url"
        return self._frame.fragment(
            request,
            "core/fragments/library.html",
            replace(view, changed=True),
            headers={header: request.scope.get("root_path", "") + path},
        )

    async def _library(self, request: Request) -> LibraryView:
        services = services_of(request)
        kind = request.path_params.get("kind") or request.query_params.get("kind", "")
        given = [
            (name, value) for name, value in request.query_params.multi_items() if value and name != "kind"
        ]
        if kind:
            given.append(("kind", kind))
        query = query_of(given)
        found = await services.library.list_titles(query)
        facets = await services.library.facets(query)
        searches = await services.accounts.saved.of(someone(request).id, LIBRARY)
        blurs = await services.placeholders.of(row.poster for row in found.items)
        with use_viewer(self._frame.view(request)):
            titles = {info.id: info.title for info in services.host.instances.all()}
            kept = [(name, value) for name, value in given if name not in ("cursor", "kind")]
            following = None
            if found.next_cursor:
                more = [(n, v) for n, v in given if n != "cursor"] + [("cursor", found.next_cursor)]
                following = Sentinel(
                    next_path="/fragments/library?" + urlencode(more), page_path="/library?" + urlencode(more)
                )
            return LibraryView(
                title=kinds_label(kind) if kind else _("Library"),
                total=found.total,
                posters=tuple(poster(row, blurs=blurs) for row in found.items),
                path=f"/library/{quote(kind)}" if kind else "/library",
                fragment_path="/fragments/library" + (f"?kind={quote(kind)}" if kind else ""),
                kinds=kinds(facets, kind, kept),
                filters=filters(facets, query, titles),
                sorts=tuple(Choice(label=label, value=value) for value, label in sorts()),
                sort=("-" if query.descending else "") + query.sort,
                query=query.text,
                density="dense" if ("density", "dense") in given else "cosy",
                chips=(shown := chips(given, titles)),
                saved=saved_bar(searches, LIBRARY, given, _name(kind, shown)),
                year_from=str(query.year_from or ""),
                year_to=str(query.year_to or ""),
                next=following,
                state=self._empty(services, bool(kept)) if not found.items else NORMAL,
            )

    def _empty(self, services: Services, filtered: bool) -> TileState:
        if filtered:
            return TileState(
                kind="empty",
                title=_("Nothing matches"),
                text=_("Take a filter away, or search for something else."),
                icon="search-x",
                action=Action(label=_("Clear all"), path="/library"),
            )
        return TileState(
            kind="empty",
            title=_("The library is still empty"),
            text=_("It fills by itself once a media server is connected."),
            icon="library-big",
        )

    async def title(self, request: Request) -> Response:
        services = services_of(request)
        generation = await services.library.generation()
        # Asked for even where the page is held: it makes the source tell what it did not tell yet.
        detail = await services.library.title(_title_id(request))
        if detail is None:
            heir = await services.library.matching.living(_title_id(request))
            if heir is not None:
                return self._frame.go(request, f"/title/{heir}")
            raise Missing(_("This title is not in the library."))
        if detail.row.kind in (SEASON, EPISODE) and detail.parents:
            season = detail.row.index if detail.row.kind == SEASON else detail.parents[-1].index
            return self._frame.go(request, f"/title/{detail.parents[0].id}?season={season or 0}")
        asks = await asks_of(services, someone(request), detail)
        if (held := await self._frame.unchanged(request, generation, asks)) is not None:
            return held
        with use_viewer(self._frame.view(request)):
            view = await self._title(request, services, detail, asks)
        return await self._frame.page(request, "core/title.html", view)

    async def _title(
        self, request: Request, services: Services, detail: TitleDetail, asks: Asks
    ) -> TitleView:
        row, values = detail.row, detail.values
        instances = {info.id: info for info in services.host.instances.all()}
        places = tuple(place_row(row, place, instances) for place in detail.availability)
        first = next((place.play for place in places if place.play), None)
        season = whole(request.query_params.get("season"))
        kind = {"movie": "movie", "show": "show"}.get(row.kind, "other")
        facts = [
            Fact(label=label, value=", ".join(str(one) for one in values[name]))
            for name, label in (("directors", _("Directed by")), ("writers", _("Written by")))
            if values.get(name)
        ]
        facts += [
            Fact(label=label, value=str(values[name]))
            for name, label in (("studio", _("Studio")), ("content_rating", _("Rated")))
            if values.get(name)
        ]
        released = day(str(values.get("released_on") or ""))
        if released is not None:
            facts.append(Fact(label=_("Released"), value=released, kind="day"))
        return TitleView(
            title=row.title,
            kind=kind,  # type: ignore[arg-type]  # one of the literal's words
            kind_label=kind_label(row.kind),
            id=str(row.id),
            path=f"/title/{row.id}" + (f"?season={season}" if season is not None else ""),
            wide=row.wide,
            poster=art(row.poster, row.title, await services.placeholders.of([row.poster])),
            backdrop=art(detail.images.get("backdrop")),
            original_title=_other_name(str(values.get("original_title") or ""), row.title),
            tagline=str(values.get("tagline") or ""),
            overview=str(values.get("summary") or ""),
            headline=headline(row),
            genres=tuple(
                Choice(label=genre, value=genre, path=f"/library?genre={quote(genre)}")
                for genre in row.genres
            ),
            rating=row.rating or None,
            facts=tuple(facts),
            badges=media_badges(detail.availability[0].media, row.quality) if detail.availability else (),
            plays=plays_view(request, detail.availability),
            actions=(*((first,) if first else ()), *ask_actions(detail, asks)),
            availability=places,
            seasons=await self._seasons(request, services, detail),
            people=tuple(
                Person(
                    name=str(one.get("name", "")),
                    role=str(one.get("role") or ""),
                    art=art(one.get("image_id")),
                )
                for one in detail.cast[:24]
            ),
            slots=tuple(self._plugins.slots(request, "title.aside", str(row.id))),
            provenance_path=f"/title/{row.id}/why" if someone(request).is_admin else None,
        )

    async def _seasons(self, request: Request, services: Services, detail: TitleDetail) -> tuple[Season, ...]:
        if detail.row.kind != SHOW or not detail.seasons:
            return ()
        wanted = whole(request.query_params.get("season"))
        numbers = [season.index or 0 for season in detail.seasons]
        chosen = wanted if wanted in numbers else next((n for n in numbers if n), numbers[0])
        found = []
        for season in detail.seasons:
            number = season.index or 0
            episodes: tuple[Episode, ...] = ()
            if number == chosen:
                episodes = tuple(
                    Episode(
                        number=one.index or 0,
                        title=one.title,
                        overview=one.summary,
                        still=art(one.still),
                        aired_at=day(one.released_on),
                        runtime=one.duration or None,
                        play=Action(
                            label=_("Play"),
                            path=f"/title/{one.id}/play/{one.availability[0].instance_id}",
                            icon="play",
                            new_tab=True,
                        )
                        if one.availability
                        else None,
                        badges=(
                            *((Badge(text=quality_label(one.quality)),) if one.quality else ()),
                            *episode_badges(request, one.availability),
                        ),
                    )
                    for one in await services.library.episodes(season.id)
                )
            found.append(
                Season(
                    number=number,
                    title=season.title or _("Season %(number)d") % {"number": number},
                    count=season.episodes,
                    path=f"/title/{detail.row.id}?season={number}",
                    poster=art(season.poster),
                    year=str(season.year or ""),
                    open=number == chosen,
                    episodes=episodes,
                )
            )
        return tuple(found)

    async def play(self, request: Request) -> Response:
        """Lead to the title in the service's own player."""
        title_id = _title_id(request)
        try:
            link = await services_of(request).library.deep_link(title_id, request.path_params["instance"])
        except MediaNestError as error:
            return self._frame.go(request, f"/title/{title_id}", message=_(str(error)))
        if not link.startswith(("https://", "http://")):
            raise Missing(_("This service gives no link to play."))
        return RedirectResponse(link, 303, headers={"Referrer-Policy": "no-referrer"})

    async def collections(self, request: Request) -> Response:
        services = services_of(request)
        found = await services.library.collections()
        titles = {info.id: info.title for info in services.host.instances.all()}
        with use_viewer(self._frame.view(request)):
            state = NORMAL
            if not found:
                state = TileState(
                    kind="empty",
                    title=_("No collections yet"),
                    text=_(
                        "Collections of your media servers appear here; a downloaded playlist becomes one."
                    ),
                    icon="layers",
                )
            view = CollectionsView(
                collections=tuple(
                    CollectionCard(
                        title=one.title,
                        path=_collection_path(one),
                        count=one.count,
                        server=titles.get(one.instance_id, ""),
                        art=_pictures(one),
                        smart=one.smart,
                    )
                    for one in found
                ),
                total=len(found),
                state=state,
            )
        return await self._frame.page(request, "core/collections.html", view)

    async def collection(self, request: Request) -> Response:
        services = services_of(request)
        instance_id = request.path_params["instance"]
        found = await services.library.collection(instance_id, request.path_params["key"])
        if found is None:
            raise Missing(_("There is no such collection."))
        blurs = await services.placeholders.of(row.poster for row in found.items)
        info = next((one for one in services.host.instances.all() if one.id == instance_id), None)
        with use_viewer(self._frame.view(request)):
            state = NORMAL
            if not found.items:
                state = TileState(kind="empty", title=_("This collection is empty"), icon="layers")
            elif info is not None and not info.ready:
                state = TileState(kind="stale", title=info.title, text=info.reason, since_at=info.since)
            view = CollectionView(
                title=found.card.title,
                posters=tuple(poster(row, blurs=blurs) for row in found.items),
                total=found.card.count,
                overview=found.card.summary,
                art=next(iter(_pictures(found.card)), None),
                server=info.title if info else "",
                smart=found.card.smart,
                state=state,
            )
        return await self._frame.page(request, "core/collection.html", view)

    async def image(self, request: Request) -> Response:
        """A picture by its opaque id, resized and in the best format that the browser takes."""
        served = await services_of(request).images.serve(
            request.path_params["id"], width_of(request, 300), request.headers.get("accept", "")
        )
        # The id changes with the picture, so a current one may be kept for good.
        return image_response(request, served, max_age=FOR_GOOD if served.current else 300)


def _untyped(query: str) -> list[tuple[str, str]]:
    return sorted(pair for pair in parse_qsl(query) if pair[0] != "q")


def _name(kind: str, shown: Sequence[Choice]) -> str:
    """What a search may be called: its filters in words."""
    words = [one.label for one in shown]
    return ", ".join([kinds_label(kind), *words] if kind else words)


def _title_id(request: Request) -> int:
    title_id = whole(request.path_params["id"])
    if title_id is None:
        raise Missing(_("This title is not in the library."))
    return title_id


def _collection_path(one: Stored) -> str:
    return f"/collections/{one.instance_id}/{quote(one.key, safe='')}"


def _pictures(one: Stored) -> tuple[Art, ...]:
    ids = [one.image] if one.image else list(one.posters)[:4]
    return tuple(Art(path=f"/img/{image}") for image in ids)


def _other_name(original: str, title: str) -> str:
    """The original title where it tells more than the title; a folder's name with the year behind the title does not."""
    rest = original.removeprefix(title)
    return "" if rest != original and (not rest or rest.startswith((" (", " [", " {"))) else original
