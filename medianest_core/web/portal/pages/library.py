"""The library: the grid with its filters, title pages, collections, and the images of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.library.query import Facets, LibraryQuery, TitleRow
from medianest_core.domain.library.service import CollectionCard as Stored
from medianest_core.domain.library.titles import Availability as Place
from medianest_core.domain.library.titles import TitleDetail
from medianest_core.host.instance import InstanceInfo
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.media import EPISODE, SEASON, SHOW
from medianest_core.sdk.permissions import USER
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame, is_htmx
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
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import (
    NORMAL,
    Action,
    Art,
    Availability,
    Badge,
    Choice,
    CollectionCard,
    CollectionsView,
    CollectionView,
    Episode,
    Fact,
    FilterGroup,
    LibraryView,
    Person,
    Season,
    Sentinel,
    TileState,
    TitleView,
)

_PAGE = 60
_WIDTHS = (96, 200, 300, 400, 640, 960, 1280, 1920)


def _sorts() -> list[tuple[str, str]]:
    return [
        ("title", _("Title")),
        ("-added", _("Newly added")),
        ("-year", _("Newest first")),
        ("year", _("Oldest first")),
        ("-rating", _("Best rated")),
    ]


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
        view = await self._library(request)
        return await self._frame.page(request, "core/library.html", view)

    async def grid_fragment(self, request: Request) -> Response:
        view = await self._library(request)
        if request.query_params.get("cursor"):
            return self._frame.fragment(request, "core/fragments/posters.html", view)
        pushed = request.scope.get("root_path", "") + _path(request.query_params.multi_items())
        return self._frame.fragment(
            request, "core/fragments/library.html", view, headers={"HX-Replace-Url": pushed}
        )

    async def _library(self, request: Request) -> LibraryView:
        services = services_of(request)
        kind = request.path_params.get("kind") or request.query_params.get("kind", "")
        given = [
            (name, value) for name, value in request.query_params.multi_items() if value and name != "kind"
        ]
        if kind:
            given.append(("kind", kind))
        query = _query(given)
        found = await services.library.list_titles(query)
        facets = await services.library.facets()
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
                posters=tuple(poster(row) for row in found.items),
                path=f"/library/{quote(kind)}" if kind else "/library",
                fragment_path="/fragments/library" + (f"?kind={quote(kind)}" if kind else ""),
                kinds=_kinds(facets, kind, kept),
                filters=_filters(facets, query, titles),
                sorts=tuple(Choice(label=label, value=value) for value, label in _sorts()),
                sort=("-" if query.descending else "") + query.sort,
                query=query.text,
                density="dense" if ("density", "dense") in given else "cosy",
                chips=_chips(given, titles),
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
        detail = await services.library.title(_title_id(request))
        if detail is None:
            raise Missing(_("This title is not in the library."))
        if detail.row.kind in (SEASON, EPISODE) and detail.parents:
            season = detail.row.index if detail.row.kind == SEASON else detail.parents[-1].index
            return self._frame.go(request, f"/title/{detail.parents[0].id}?season={season or 0}")
        with use_viewer(self._frame.view(request)):
            view = await self._title(request, services, detail)
        return await self._frame.page(request, "core/title.html", view)

    async def _title(self, request: Request, services: Services, detail: TitleDetail) -> TitleView:
        row, values = detail.row, detail.values
        instances = {info.id: info for info in services.host.instances.all()}
        places = tuple(self._place(row, place, instances) for place in detail.availability)
        first = next((place.play for place in places if place.play), None)
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
            facts.append(Fact(label=_("Released"), value=released, kind="datetime"))
        return TitleView(
            title=row.title,
            kind=kind,  # type: ignore[arg-type]  # one of the literal's words
            kind_label=kind_label(row.kind),
            poster=art(row.poster, row.title),
            backdrop=art(detail.images.get("backdrop")),
            original_title=str(values.get("original_title") or "")
            if values.get("original_title") != row.title
            else "",
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
            actions=(first,) if first else (),
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
        )

    def _place(self, row: TitleRow, place: Place, instances: Mapping[str, InstanceInfo]) -> Availability:
        info = instances.get(place.instance_id)
        name = info.title if info else place.instance_id
        state = NORMAL
        if info is not None and not info.ready:
            state = TileState(
                kind="stale",
                title=_("Not available right now"),
                text=info.reason,
                since_at=info.since,
            )
        return Availability(
            server=name,
            library=place.library,
            qualities=media_badges(place.media, place.quality, place.captions),
            size=place.size or None,
            added_at=place.added_at,
            play=Action(
                label=_("Play on %(server)s") % {"server": name},
                path=f"/title/{row.id}/play/{place.instance_id}",
                icon="play",
                tone="primary",
                new_tab=True,
            ),
            state=state,
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
                        badges=(Badge(text=quality_label(one.quality)),) if one.quality else (),
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
        info = next((one for one in services.host.instances.all() if one.id == instance_id), None)
        with use_viewer(self._frame.view(request)):
            state = NORMAL
            if not found.items:
                state = TileState(kind="empty", title=_("This collection is empty"), icon="layers")
            elif info is not None and not info.ready:
                state = TileState(kind="stale", title=info.title, text=info.reason, since_at=info.since)
            view = CollectionView(
                title=found.card.title,
                posters=tuple(poster(row) for row in found.items),
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
        width = min(whole(request.query_params.get("w")) or 300, _WIDTHS[-1])
        served = await services_of(request).images.serve(
            request.path_params["id"], width, request.headers.get("accept", "")
        )
        # The id changes with the picture, so a current one may be kept for good.
        age = "private, max-age=31536000, immutable" if served.current else "private, max-age=300"
        headers = {
            "ETag": served.etag,
            "Cache-Control": age,
            "Vary": "Accept, Cookie",
            "X-Content-Type-Options": "nosniff",
        }
        if request.headers.get("if-none-match") == served.etag:
            return Response(status_code=304, headers=headers)
        return Response(served.content, media_type=served.media_type, headers=headers)


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


def _numbers(values: Sequence[str]) -> tuple[int, ...]:
    found = (whole(value) for value in values)
    return tuple(number for number in found if number is not None and number < 100_000)


def _query(given: Sequence[tuple[str, str]]) -> LibraryQuery:
    """Filters from the address; what makes no sense is ignored, so that old links still work."""
    values: dict[str, list[str]] = {}
    for name, value in given:
        values.setdefault(name, []).append(value)
    order = values.get("sort", ["title"])[-1]
    known = {value for value, _label in _sorts()}
    order = order if order in known else "title"
    decade = _numbers(values.get("decade", []))
    return LibraryQuery(
        kinds=tuple(values.get("kind", [])),
        genres=tuple(values.get("genre", [])),
        year_from=decade[0] if decade else None,
        year_to=decade[0] + 9 if decade else None,
        qualities=_numbers(values.get("quality", [])),
        instance_ids=tuple(values.get("server", [])),
        text=values.get("q", [""])[-1][:200],
        sort=order.lstrip("-"),
        descending=order.startswith("-"),
        cursor=values.get("cursor", [None])[-1],
        limit=_PAGE,
    )


def _path(given: Sequence[tuple[str, str]]) -> str:
    kept = [(name, value) for name, value in given if value and name not in ("cursor", "kind")]
    kept = [
        (name, value) for name, value in kept if (name, value) not in (("sort", "title"), ("density", "cosy"))
    ]
    kind = next((value for name, value in given if name == "kind" and value), "")
    base = f"/library/{quote(kind)}" if kind else "/library"
    return base + ("?" + urlencode(kept) if kept else "")


def _kinds(facets: Facets, kind: str, kept: list[tuple[str, str]]) -> tuple[Choice, ...]:
    everything = [Choice(label=_("All"), value="", path=_path(kept), current=not kind)]
    return tuple(everything) + tuple(
        Choice(
            label=kinds_label(one),
            value=one,
            path=_path([*kept, ("kind", one)]),
            current=one == kind,
            count=count,
        )
        for one, count in facets.kinds.items()
    )


def _filters(facets: Facets, query: LibraryQuery, titles: Mapping[str, str]) -> tuple[FilterGroup, ...]:
    groups: list[FilterGroup] = []

    def add(name: str, label: str, choices: list[Choice], many: bool = True) -> None:
        if len(choices) > 1:
            active = sum(choice.current and bool(choice.value) for choice in choices)
            groups.append(
                FilterGroup(name=name, label=label, choices=tuple(choices), many=many, active=active)
            )

    add(
        "genre",
        _("Genre"),
        [
            Choice(label=genre, value=genre, current=genre in query.genres, count=count)
            for genre, count in sorted(facets.genres.items(), key=lambda pair: (-pair[1], pair[0]))[:24]
        ],
    )
    if facets.year_from and facets.year_to:
        decades = range(facets.year_to // 10 * 10, facets.year_from // 10 * 10 - 1, -10)
        choices = [Choice(label=_("Any"), value="", current=query.year_from is None)]
        choices += [
            Choice(label=_("%(year)ss") % {"year": ten}, value=str(ten), current=query.year_from == ten)
            for ten in decades
        ]
        add("decade", _("Decade"), choices, many=False)
    add(
        "quality",
        _("Quality"),
        [
            Choice(
                label=quality_label(height), value=str(height), current=height in query.qualities, count=count
            )
            for height, count in sorted(facets.qualities.items(), reverse=True)
            if height
        ],
    )
    add(
        "server",
        _("Server"),
        [
            Choice(label=titles.get(one, one), value=one, current=one in query.instance_ids, count=count)
            for one, count in facets.instance_ids.items()
        ],
    )
    return tuple(groups)


def _chips(given: Sequence[tuple[str, str]], titles: Mapping[str, str]) -> tuple[Choice, ...]:
    found = []
    for name, value in given:
        if name not in ("genre", "decade", "quality", "server", "q"):
            continue
        label = _chip_label(name, value, titles)
        rest = [(n, v) for n, v in given if (n, v) != (name, value) and n != "cursor"]
        found.append(Choice(label=label, value=value, path=_path(rest), current=True))
    return tuple(found)


def _chip_label(name: str, value: str, titles: Mapping[str, str]) -> str:
    if name == "decade":
        return _("%(year)ss") % {"year": value}
    if name == "quality":
        height = whole(value)
        return value if height is None else quality_label(height)
    if name == "server":
        return titles.get(value, value)
    return f"“{value}”" if name == "q" else value
