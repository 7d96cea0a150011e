"""Sample view-models of home, the library and the search."""

from __future__ import annotations

from dataclasses import replace

from markupsafe import Markup

from medianest_core.web.portal import views as v
from tests.unit.web.portal.samples_basics import DAY, HOUR, NOW, art, posters


def home() -> v.HomeView:
    rows = Markup(
        '<div class="rows"><div class="row"><span class="row-icon">1</span><div class="row-main"><span class="row-title">Harbour walks</span>'
        '<p class="row-note">3 of 6 items</p></div></div></div>'
    )
    return v.HomeView(
        greeting="Good evening, Casey",
        focus=v.Focus(
            title="Lanterns Under Ice",
            path="/title/1",
            kicker="Continue watching",
            backdrop=art("b1"),
            facts=("2023", "1 h 52 min", "Drama"),
            overview="A glaciologist returns to the station where her sister vanished and finds the lamps still lit.",
            progress=0.62,
            left=2600,
            actions=(
                v.Action(label="Play in Plex", path="https://plex.example/1", icon="play", new_tab=True),
                v.Action(label="Details", path="/title/1"),
            ),
        ),
        shelves=(
            v.Shelf(
                id="recent",
                title="Recently added",
                posters=posters(14),
                more_path="/library?sort=added",
                live="library:changed",
            ),
            v.Shelf(
                id="shows",
                title="Shows",
                posters=posters(12, 20),
                state=v.TileState(kind="stale", text="Plex is not answering.", since_at=NOW - 12 * 60),
                load_path="/fragments/shelf/shows",
            ),
        ),
        cards=(
            v.Card(
                id="downloads",
                title="Downloads",
                icon="download",
                path="/downloads",
                html=rows,
                live="download:changed",
            ),
            v.Card(
                id="requests",
                title="Requests",
                icon="ticket",
                state=v.TileState(
                    kind="empty",
                    title="Nothing asked for yet",
                    text="Ask for a film or show and follow it here until it can be watched.",
                    action=v.Action(label="Find something", path="/library", icon="search"),
                ),
            ),
            v.Card(
                id="status",
                title="Status",
                icon="activity",
                state=v.TileState(kind="loading"),
                load_path="/fragments/card/status",
            ),
            v.Card(
                id="queue",
                title="Radarr queue",
                icon="list-ordered",
                html=rows,
                state=v.TileState(kind="stale", text="Radarr is not answering.", since_at=NOW - 40 * 60),
            ),
            v.Card(
                id="weather",
                title="Uptime",
                icon="gauge",
                state=v.TileState(
                    kind="failed",
                    title="Uptime Kuma refused the key",
                    text="An administrator can enter a new one.",
                    since_at=NOW - 3 * HOUR,
                    action=v.Action(
                        label="Try again", path="/fragments/card/weather", method="post", icon="refresh-cw"
                    ),
                ),
            ),
            v.Card(id="hello", title="Hello", icon="puzzle", html=Markup("<p>A plugin says hello.</p>")),
        ),
        arrange_path="/account/home",
    )


def home_empty() -> v.HomeView:
    return v.HomeView(
        greeting="Welcome, Casey",
        state=v.TileState(
            kind="empty",
            title="Your nest is ready",
            text="Add a media server and its films and shows appear here.",
            icon="sparkles",
            action=v.Action(label="Add a service", path="/admin/services", icon="plus"),
        ),
    )


def library() -> v.LibraryView:
    def choices(*names: str, on: str = "") -> tuple[v.Choice, ...]:
        return tuple(v.Choice(label=n, value=n.lower(), current=n == on, count=len(n) * 7) for n in names)

    return v.LibraryView(
        title="Library",
        total=1284,
        posters=posters(36),
        kinds=(
            v.Choice(label="All", value="", path="/library", current=True),
            v.Choice(label="Films", value="movie", path="/library/movie", count=912),
            v.Choice(label="Shows", value="show", path="/library/show", count=372),
        ),
        filters=(
            v.FilterGroup(
                name="genre",
                label="Genre",
                choices=choices("Drama", "Comedy", "Thriller", "Documentary", "Animation", on="Drama"),
                active=1,
            ),
            v.FilterGroup(
                name="decade", label="Years", choices=choices("2020s", "2010s", "2000s", "1990s"), many=False
            ),
            v.FilterGroup(name="quality", label="Quality", choices=choices("4K", "1080p", "720p", "HDR")),
            v.FilterGroup(name="server", label="Server", choices=choices("Living room", "Cabin")),
        ),
        sorts=(
            v.Choice(label="Title", value="title"),
            v.Choice(label="Recently added", value="added"),
            v.Choice(label="Year", value="year"),
        ),
        sort="title",
        chips=(v.Choice(label="Drama", value="drama", path="/library"),),
        next=v.Sentinel(next_path="/fragments/library?cursor=abc", page_path="/library?cursor=abc"),
    )


def library_end() -> v.LibraryView:
    """The last page of the endless list."""
    return replace(library(), posters=posters(5, 100), next=None)


def library_dense() -> v.LibraryView:
    return replace(library(), density="dense")


def library_empty() -> v.LibraryView:
    return replace(
        library(),
        posters=(),
        total=0,
        next=None,
        state=v.TileState(
            kind="empty",
            title="No title fits",
            text="Take a filter away or look for something else.",
            icon="search",
            action=v.Action(label="Clear all filters", path="/library"),
        ),
    )


def title() -> v.TitleView:
    play = v.Action(label="Play", path="https://plex.example/x", icon="play", new_tab=True)
    return v.TitleView(
        title="The Cartographer's Daughter",
        kind="show",
        kind_label="Show",
        poster=art("p6"),
        backdrop=art("b6"),
        tagline="Every map is a promise.",
        overview="When her father's survey ship is found adrift and empty, a young mapmaker follows the last chart he drew "
        "into waters that no two captains describe alike.",
        headline=("2018–2024", "3 seasons", "TV-14"),
        rating=8.3,
        genres=(
            v.Choice(label="Drama", value="drama", path="/library?genre=drama"),
            v.Choice(label="Mystery", value="m", path="/library?genre=m"),
        ),
        badges=(
            v.Badge(text="Available", tone="success", icon="check"),
            v.Badge(text="4K"),
            v.Badge(text="HDR10"),
        ),
        actions=(
            v.Action(label="Play in Plex", path="https://plex.example/x", icon="play", new_tab=True),
            v.Action(label="Add to a collection", path="/title/6/collections", icon="plus"),
        ),
        facts=(
            v.Fact(label="Studio", value="North Quay Pictures"),
            v.Fact(label="First aired", value=NOW - 3000 * DAY, kind="datetime"),
            v.Fact(label="Added", value=NOW - 6 * DAY, kind="age"),
            v.Fact(label="Size", value=48_200_000_000.0, kind="bytes"),
        ),
        availability=(
            v.Availability(
                server="Living room",
                library="TV Shows",
                qualities=(
                    v.Badge(text="4K"),
                    v.Badge(text="HDR10"),
                    v.Badge(text="5.1"),
                    v.Badge(text="German", icon="captions"),
                ),
                size=48_200_000_000,
                added_at=NOW - 6 * DAY,
                play=play,
            ),
            v.Availability(
                server="Cabin",
                library="Serien",
                qualities=(v.Badge(text="1080p"),),
                size=12_000_000_000,
                state=v.TileState(kind="stale", text="Not answering.", since_at=NOW - DAY),
            ),
        ),
        seasons=tuple(
            v.Season(
                number=n,
                title=f"Season {n}",
                count=4,
                seen=4 if n == 1 else 0,
                path=f"/title/6?season={n}",
                open=n == 2,
                episodes=tuple(
                    v.Episode(
                        number=e,
                        title=("Soundings", "The Blank Quarter", "Lee Shore", "Dead Reckoning")[e - 1],
                        overview="The crew takes a pilot aboard who has never seen the sea, and the harbour master keeps the key.",
                        still=art(f"b{10 + e}"),
                        aired_at=NOW - (400 - e * 7) * DAY,
                        runtime=3120,
                        seen=e == 1,
                        progress=0.3 if e == 2 else None,
                        play=play,
                    )
                    for e in range(1, 5)
                ),
            )
            for n in (1, 2, 3)
        ),
        people=tuple(
            v.Person(name=n, role=r, art=art(f"f{i}") if i % 3 else None)
            for i, (n, r) in enumerate(
                (
                    ("Ines Okafor", "Mara"),
                    ("Tomas Reyl", "Captain Brandt"),
                    ("Yuki Abe", "The Pilot"),
                    ("Lena Strand", "Director"),
                    ("Omar Fell", "Writer"),
                )
            )
        ),
        similar=v.Shelf(id="similar", title="Like this", posters=posters(10, 40)),
        collections=(v.Choice(label="Sea stories", value="c", path="/collections/1/c"),),
        provenance_path="/title/6/provenance",
    )


def collections() -> v.CollectionsView:
    return v.CollectionsView(
        total=5,
        collections=tuple(
            v.CollectionCard(
                title=t,
                path=f"/collections/1/{i}",
                count=i * 3 + 1,
                server="Living room",
                art=tuple(art(f"p{i * 4 + k}") for k in range(4 if i % 2 else 1)),
            )
            for i, t in enumerate(
                ("Sea stories", "Rainy Sundays", "Harbour walks", "For the kids", "Long winters")
            )
        ),
    )


def collection() -> v.CollectionView:
    return v.CollectionView(
        title="Sea stories",
        posters=posters(9),
        total=9,
        server="Living room",
        overview="Ships, fog and the people who wait ashore.",
    )


def search() -> v.SearchView:
    return v.SearchView(
        query="light", all_path="/library?q=light",
        hits=(v.SearchHit(label="Lanterns Under Ice", path="/title/1", group="Titles", note="Film · 2023", art=art("p1")), v.SearchHit(label="Nightjar", path="/title/5", group="Titles", note="Film · 2025"), v.SearchHit(label="Downloads", path="/downloads", group="Pages", icon="download")),
    )  # fmt: skip
