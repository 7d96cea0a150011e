"""Sample view-models of every page, for rendering tests, the browser test and the gallery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from markupsafe import Markup

from medianest_core.web.portal import views as v
from medianest_core.web.portal.nav import build_nav
from medianest_core.web.portal.views.access import LeavingView
from medianest_core.web.portal.views.admin import ScheduleFormView, SchedulesView
from medianest_core.web.portal.views.downloads import SubscriptionRow, SubscriptionsView, SubscriptionView
from medianest_core.web.portal.views.plugins import Mistake, SafeMode
from medianest_core.web.portal.views.settings import SettingRow, SettingsStateView
from tests.unit.web.portal import samples_requests, samples_status

NOW = 1_795_168_920.0
HOUR = 3600.0
DAY = 86400.0

TITLES = (
    ("The Salt Meridian", "2024"),
    ("Lanterns Under Ice", "2023"),
    ("A Quiet Orbit", "2026"),
    ("Harbour of Glass", "2019"),
    ("Paper Tigers, Paper Moons", "2021"),
    ("Nightjar", "2025"),
    ("The Cartographer's Daughter", "2018"),
    ("Static Bloom", "2022"),
    ("Ninety Seconds to Dawn", "2020"),
    ("Copper Sky", "2024"),
    ("The Long Way to Ostrava", "2017"),
    ("Understudy", "2025"),
    ("Winter Index", "2016"),
    ("Red Kite Season", "2026"),
)


def art(key: str, alt: str = "") -> v.Art:
    return v.Art(path=f"/img/{key}", alt=alt)


def posters(count: int, start: int = 0) -> tuple[v.Poster, ...]:
    found = []
    for n in range(start, start + count):
        title, year = TITLES[n % len(TITLES)]
        found.append(
            v.Poster(
                title=title,
                path=f"/title/{n}",
                art=None if n % 11 == 9 else art(f"p{n}"),
                subtitle=year,
                badge=v.Badge(text="4K") if n % 5 == 1 else None,
                progress=0.4 if n % 7 == 2 else None,
                seen=n % 6 == 4,
            )
        )
    return tuple(found)


def shell(path: str, *, admin: bool = True, empty: bool = False) -> v.Shell:
    return v.Shell(
        user=v.ShellUser(id="u1", name="Casey Morgan", admin=admin),
        nav=build_nav(
            path, {"admin"} if admin else set(), counts={"downloads": 2, "notifications": 3, "users": 1}
        ),
        banners=()
        if empty or path != "/"
        else (
            v.Banner(
                text="Plex in the living room is not answering. We show what we knew then.",
                since_at=NOW - 12 * 60,
                action=v.Action(label="See why", path="/admin/services/1"),
            ),
        ),
        unread=0 if empty else 3,
        insecure=path == "/admin",
        live=False,
    )


BARE = v.Shell(live=False)
PROGRESS = v.Progress(
    live="download/d1", fraction=0.46, done=3, total=6, rate=4_200_000, left=95, text="Ferry crossing at dusk"
)


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


def download_rows() -> tuple[v.DownloadRow, ...]:
    quiet = v.Progress(live="download/d2", fraction=None)
    cancel = v.Action(
        label="Cancel",
        path="/downloads/d1/cancel",
        method="post",
        icon="x",
        swap="closest [data-swap]",
        confirm="What was fetched so far is removed.",
        tone="error",
    )
    return (
        v.DownloadRow(
            id="d1",
            title="Harbour walks",
            path="/downloads/d1",
            state="running",
            state_label="Running",
            progress=PROGRESS,
            art=art("b2"),
            source="Video site",
            items=(3, 6),
            size=812_000_000,
            created_at=NOW - 400,
            actions=(cancel,),
        ),
        v.DownloadRow(
            id="d2",
            title="How tide tables are made",
            path="/downloads/d2",
            state="queued",
            state_label="Waiting for its turn",
            progress=quiet,
            source="Video site",
            created_at=NOW - 300,
            actions=(cancel,),
        ),
        v.DownloadRow(
            id="d3",
            title="Evening concerts",
            path="/downloads/d3",
            state="partial",
            state_label="Partly done",
            progress=replace(quiet, fraction=1.0),
            art=art("b4"),
            source="Video site",
            items=(4, 6),
            size=402_000_000,
            created_at=NOW - DAY,
            reason="2 items are private.",
        ),
        v.DownloadRow(
            id="d4",
            title="Knots for beginners",
            path="/downloads/d4",
            state="done",
            state_label="Done",
            progress=replace(quiet, fraction=1.0),
            art=art("b5"),
            source="Video site",
            size=92_000_000,
            created_at=NOW - 2 * DAY,
        ),
    )


def preview() -> v.PreviewView:
    form = v.Form(
        id="submit",
        path="/downloads",
        submit="Download",
        groups=(
            v.FieldGroup(
                fields=(
                    v.Field(
                        name="quality",
                        label="Quality",
                        kind="select",
                        value="1080",
                        choices=tuple(v.Choice(label=q, value=q[:-1]) for q in ("2160p", "1080p", "720p")),
                        help="The best up to this height.",
                    ),
                    v.Field(
                        name="container",
                        label="File",
                        kind="radio",
                        value="mp4",
                        choices=tuple(v.Choice(label=c, value=c) for c in ("mp4", "mkv", "webm", "mp3")),
                    ),
                    v.Field(
                        name="subtitles",
                        label="Subtitles",
                        kind="toggle",
                        value="true",
                        help="Where the site has them.",
                    ),
                    v.Field(
                        name="collection",
                        label="Collection in Plex",
                        value="Harbour walks",
                        help="Shared as Plex shares the library.",
                    ),
                )
            ),
        ),
    )
    items = tuple(
        v.PreviewItem(
            id=str(n),
            title=t,
            art=art(f"b{n}"),
            duration=240 + n * 31,
            size=40_000_000 * n,
            problem="Private" if n == 4 else "",
            have=n == 2,
        )
        for n, t in enumerate(
            ("Morning at the quay", "Ferry crossing at dusk", "Nets and knots", "The breakwater", "Gulls"), 1
        )
    )
    return v.PreviewView(
        url="http://127.0.0.1:9/playlist?list=1", title="Harbour walks", kind="playlist", kind_label="Playlist", form=form, author="Quay Films", art=art("b2"), items=items, total_items=7, hidden=2, duration=2100, size=640_000_000, notes=("1 item is private and is left out.",),
    )  # fmt: skip


def downloads() -> v.DownloadsView:
    return v.DownloadsView(
        inspect_path="/fragments/inspect", sites=("youtube.com",), tabs=(v.Choice(label="Mine", value="mine", path="/downloads", current=True, count=4), v.Choice(label="Everyone's", value="all", path="/downloads?all=1", count=9)),
        rows=download_rows(), quota=v.Quota(left=3, limit=5),
    )  # fmt: skip


def downloads_preview() -> v.DownloadsView:
    return replace(downloads(), url="http://127.0.0.1:9/playlist?list=1", preview=preview())


def downloads_empty() -> v.DownloadsView:
    return replace(
        downloads(), rows=(), quota=v.Quota(left=0, limit=5, next_at=NOW + 1200), notice="Downloads are paused: less than 5 GB is free.",
        state=v.TileState(kind="empty", title="No downloads yet", text="Paste a link above. You see what stands behind it before anything is fetched.", icon="download"),
    )  # fmt: skip


def download() -> v.DownloadView:
    row = download_rows()[0]
    states: tuple[tuple[v.DownloadState, str], ...] = (
        ("done", "Done"),
        ("done", "Done"),
        ("running", "Running"),
        ("queued", "Waiting"),
        ("failed", "Failed"),
    )
    items = tuple(
        v.DownloadItem(
            id=str(n),
            title=(
                "Morning at the quay",
                "Nets and knots",
                "Ferry crossing at dusk",
                "Gulls",
                "The breakwater",
            )[n],
            state=s,
            state_label=label,
            progress=v.Progress(live=f"download/d1/{n}", fraction=0.7, rate=4_200_000, left=31),
            art=art(f"b{n + 2}"),
            duration=271,
            size=84_000_000,
            reason="This video is private." if s == "failed" else "",
            file_name="Harbour walks/Morning at the quay.mp4" if s == "done" else "",
            play=v.Action(label="Play", path="/downloads/d1?play=0", icon="play") if s == "done" else None,
            save=v.Action(label="Save to this device", path="/downloads/d1/files/0", icon="download")
            if s == "done"
            else None,
        )
        for n, (s, label) in enumerate(states)
    )
    return v.DownloadView(
        row=row,
        items=items,
        filing=(
            v.Step(label="Files in place", state="done", at=NOW - 60),
            v.Step(label="Plex is looking at the folder", state="current"),
            v.Step(label="Collection", state="ahead"),
        ),
        facts=(
            v.Fact(label="Quality", value="up to 1080p, mp4"),
            v.Fact(label="Asked", value=NOW - 400, kind="age"),
        ),
    )


def notifications() -> v.NotificationsView:
    return v.NotificationsView(
        unread=2,
        tabs=(
            v.Choice(label="All", value="", path="/notifications", current=True),
            v.Choice(label="Unread", value="u", path="/notifications?unread=1", count=2),
        ),
        read_all=v.Action(
            label="Mark all as read", path="/notifications/read", method="post", icon="check-check"
        ),
        notices=(
            v.Notice(
                id="1",
                title="Harbour walks is ready",
                text="6 items in the collection",
                created_at=NOW - 300,
                tone="success",
                icon="download",
                path="/downloads/d1",
            ),
            v.Notice(
                id="2",
                title="Casey asks to be let in",
                created_at=NOW - 4000,
                icon="user-plus",
                tone="primary",
                path="/admin/users",
            ),
            v.Notice(
                id="3",
                title="Cabin is not answering",
                text="It was back after 4 minutes",
                created_at=NOW - DAY,
                tone="warning",
                icon="server-off",
                read=True,
            ),
        ),
    )


def preferences() -> v.Form:
    return v.Form(
        path="/account",
        submit="Save",
        id="prefs",
        version=3,
        groups=(
            v.FieldGroup(
                fields=(
                    v.Field(
                        name="language",
                        label="Language",
                        kind="select",
                        value="en",
                        choices=(
                            v.Choice(label="English", value="en"),
                            v.Choice(label="Deutsch", value="de"),
                        ),
                    ),
                    v.Field(
                        name="zone",
                        label="Time zone",
                        value="Europe/Vienna",
                        example="Europe/Vienna",
                        required=True,
                    ),
                )
            ),
        ),
    )


def account() -> v.AccountView:
    return v.AccountView(
        name="Casey Morgan", email="casey@example.net", role=v.Badge(text="Administrator", tone="primary"), member_since_at=NOW - 200 * DAY, preferences=preferences(),
        themes=(), identities=(v.Identity(provider="Plex", name="casey", linked_at=NOW - 200 * DAY),),
        devices=(
            v.Device(label="Firefox on Linux", last_seen_at=NOW - 5, started_at=NOW - DAY, place="192.168.1.20", current=True),
            v.Device(label="Safari on iPhone", last_seen_at=NOW - 3 * HOUR, started_at=NOW - 9 * DAY, place="192.168.1.31", icon="smartphone", end=v.Action(label="Sign out", path="/account/devices/2/end", method="post")),
        ),
        keys=(v.ApiKey(label="Home automation", prefix="mn_7fK2", created_at=NOW - 40 * DAY, scopes=("library:read",), remove=v.Action(label="Remove", path="/account/keys/1/remove", method="post", tone="error", confirm="Scripts that use it stop working.")),),
        key_form=v.Form(id="key", path="/account/keys", submit="Make a key", groups=(v.FieldGroup(fields=(v.Field(name="label", label="What is it for?", required=True, example="Home automation"),)),)),
    )  # fmt: skip


def sign_in() -> v.SignInView:
    local = v.Form(
        id="local", path="/sign-in/local", submit="Sign in",
        groups=(v.FieldGroup(fields=(v.Field(name="username", label="User name", required=True, autocomplete="username"), v.Field(name="password", label="Password", kind="password", required=True, autocomplete="current-password"))),),
    )  # fmt: skip
    return v.SignInView(
        methods=(
            v.SignInMethod(
                key="plex",
                label="Sign in with Plex",
                kind="popup",
                path="/sign-in/plex/popup",
                primary=True,
                icon="log-in",
            ),
            v.SignInMethod(
                key="plex-code",
                label="Show a code instead",
                kind="code",
                path="/sign-in/plex/code",
                icon="smartphone",
                help="For a TV, or when you are signed in to Plex on your phone.",
            ),
            v.SignInMethod(
                key="local", label="Sign in with a password", kind="form", path="/sign-in/local", form=local
            ),
        )
    )


def code() -> v.CodeView:
    return v.CodeView(
        kind="code", provider="Plex", code="K7QX", link="https://plex.example/link", link_label="plex.tv/link", qr="/static/qr.svg", poll_path="/sign-in/poll", cancel_path="/sign-in", restart_path="/sign-in/plex/code", expires_at=NOW + 840,
    )  # fmt: skip


def code_expired() -> v.CodeView:
    return replace(code(), state="expired", message="Codes are valid for 15 minutes. Nothing was lost.")


def popup() -> v.CodeView:
    return replace(code(), kind="popup", code="", qr=None, link="https://app.plex.example/auth")


def pending() -> v.PendingView:
    return v.PendingView(
        name="Casey",
        title="Almost there",
        text="Plex knows you. An administrator of this portal has to let you in once.",
        asked_at=NOW - 90,
        poll_path="/sign-in/pending",
    )


STEPS = (("admin", "Administrator"), ("service", "First service"), ("options", "Sign-in"), ("done", "Done"))


def steps(current: int) -> tuple[v.WizardStep, ...]:
    return tuple(
        v.WizardStep(
            key=k,
            label=label,
            path=f"/setup/{k}",
            state="done" if i < current else "current" if i == current else "ahead",
        )
        for i, (k, label) in enumerate(STEPS)
    )


OPTIONS = (
    v.ServiceOption(
        key="plex",
        title="Plex",
        path="/admin/services/add/plex",
        text="Films, shows, sign-in and collections",
        icon="clapperboard",
    ),
    v.ServiceOption(
        key="youtube",
        title="Video downloads",
        path="/admin/services/add/youtube",
        text="Videos and playlists into the library",
        icon="video",
    ),
    v.ServiceOption(
        key="radarr",
        title="Radarr",
        path="/admin/services/add/radarr",
        text="Film queue and quality",
        icon="film",
        count=1,
    ),
)


def setup_admin() -> v.WizardView:
    form = v.Form(
        path="/setup/admin", submit="Go on",
        groups=(v.FieldGroup(fields=(v.Field(name="username", label="User name", required=True, error="Choose another name: this one is taken.", value="admin", autocomplete="username"), v.Field(name="password", label="Password", kind="password", required=True, help="At least 12 characters. A sentence is good.", autocomplete="new-password"))),),
    )  # fmt: skip
    return v.WizardView(
        steps=steps(0),
        title="Who looks after this portal?",
        text="This account can do everything. You can add Plex to it later.",
        form=form,
    )


def setup_service() -> v.WizardView:
    return v.WizardView(
        steps=steps(1),
        title="What do you have at home?",
        text="Choose the first service. More can be added at any time.",
        options=OPTIONS,
        skip_path="/setup/skip",
        back_path="/setup/admin",
    )


def setup_done() -> v.WizardView:
    return v.WizardView(
        steps=steps(3), title="That is all", text="The library is being brought in. You can watch it fill.",
        checks=(("Administrator", True, "admin"), ("Plex · Living room", True, "412 films, 96 shows so far"), ("Sign-in", False, "skipped")),
        next=(v.Action(label="Go to the portal", path="/", icon="house"), v.Action(label="Add another service", path="/admin/services")),
    )  # fmt: skip


def service_form(*, conflict: bool = False) -> v.Form:
    return v.Form(
        id="service", path="/admin/services/1", submit="Save", version=4, test_path="/admin/services/1/test", cancel_path="/admin/services",
        conflict="Robin saved other values two minutes ago." if conflict else "",
        test=v.TestResult(ok=False, text="Plex answered, but refused the token.", detail="Sign in again at Plex and paste the new token.", tested_at=NOW - 20, steps=(("Reached the server", True, "12 ms"), ("Read the account", False, "refused"))),
        groups=(
            v.FieldGroup(
                fields=(
                    v.Field(name="title", label="Name", value="Living room", required=True),
                    v.Field(name="url", label="Address", kind="url", value="http://plex.local:32400", required=True, help="As the portal reaches it.", example="http://192.168.1.10:32400", theirs="http://10.0.0.5:32400" if conflict else None, error="" if conflict else "Nobody answers at this address."),
                    v.Field(name="token", label="Token", kind="secret", is_set=True, required=True, help="Stored encrypted and never shown again."),
                    v.Field(name="libraries", label="Libraries", kind="list", values=("Movies", "TV Shows"), help="Leave empty for all."),
                    v.Field(name="sign_in", label="People may sign in with this server", kind="toggle", value="true"),
                    v.Field(name="every", label="Look for changes every", kind="duration", value="300", unit="s", advanced=True, min="60"),
                    v.Field(name="mapping", label="Folder mapping", kind="textarea", advanced=True, example="/downloads → /media/videos"),
                    v.Field(name="kinds", label="Kinds", kind="multiselect", values=("movie",), choices=(v.Choice(label="Films", value="movie"), v.Choice(label="Shows", value="show")), advanced=True),
                )
            ),
        ),
    )  # fmt: skip


HEALTH = (
    v.HealthRow(title="Living room", health="up", label="Working", path="/admin/services/1", text="Plex · 1,284 titles.", latency_ms=14, icon="clapperboard", actions=(v.Action(label="Sync now", path="/admin/services/1/sync", method="post", icon="refresh-cw"),)),
    v.HealthRow(title="Cabin", health="down", label="Not answering", path="/admin/services/2", text="Plex. Connection refused.", since_at=NOW - 40 * 60, icon="clapperboard", actions=(v.Action(label="Try again", path="/admin/services/2/retry", method="post"),)),
    v.HealthRow(title="Video downloads", health="degraded", label="Limited", path="/admin/services/3", text="No JavaScript runtime: install deno.", since_at=NOW - DAY, icon="video"),
)  # fmt: skip


def job(n: int = 1, state: str = "leased") -> v.JobRow:
    label, tone = {
        "leased": ("Running", "primary"),
        "failed": ("Failed", "error"),
        "done": ("Done", "success"),
        "queued": ("Waiting", "neutral"),
    }[state]
    return v.JobRow(
        id=f"j{n}", title=("Bring in Living room", "Harbour walks: Gulls", "Re-check access", "Bring in Cabin")[n % 4], path=f"/admin/jobs/j{n}", state=state, state_label=label, tone=tone,  # type: ignore[arg-type]  # a literal from a table
        progress=v.Progress(live=f"job/j{n}", fraction=0.58, done=743, total=1284, left=20) if state == "leased" else None, owner="Casey", plugin="plex", attempt=2 if state == "failed" else 1, attempts=3, created_at=NOW - 90, started_at=NOW - 80 if state != "queued" else None, ended_at=NOW - 9 if state in ("done", "failed") else None, due_at=NOW + 30 if state == "queued" else None,
        reason="Plex did not answer within 20 s." if state == "failed" else "", actions=(v.Action(label="Retry", path="/x", method="post"),) if state == "failed" else (),
    )  # fmt: skip


def overview() -> v.OverviewView:
    return v.OverviewView(
        stats=(
            v.Stat(label="Services", value="2 of 3", note="1 not answering", tone="warning", icon="server", path="/admin/services"),
            v.Stat(label="Titles", value="1,284", note="12 new this week", icon="library-big"),
            v.Stat(label="Jobs waiting", value="4", icon="list-checks", path="/admin/jobs"),
            v.Stat(label="Disk free", value="412 GB", note="of 2 TB", icon="hard-drive"),
        ),
        todo=(v.HealthRow(title="Casey asks to be let in", health="unknown", label="New", text="Signed in with Plex 4 minutes ago.", icon="user-plus", actions=(v.Action(label="Let in", path="/admin/users/2/approve", method="post", tone="primary"),)),),
        services=HEALTH, running=(job(0), job(1)),
        facts=(v.Fact(label="Version", value="0.1.0"), v.Fact(label="Running since", value=NOW - 3 * DAY, kind="age"), v.Fact(label="Database", value="SQLite"), v.Fact(label="Data", value=82_000_000.0, kind="bytes")),
    )  # fmt: skip


ADMIN = v.Badge(text="Administrator", tone="primary")
MEMBER = v.Badge(text="Member")


def user_rows() -> tuple[v.UserRow, ...]:
    return (
        v.UserRow(
            id="1",
            name="Casey Morgan",
            path="/admin/users/1",
            role=ADMIN,
            status=v.Badge(text="Active", tone="success"),
            email="casey@example.net",
            via="Plex",
            last_seen_at=NOW - 60,
        ),
        v.UserRow(
            id="2",
            name="Robin",
            path="/admin/users/2",
            role=MEMBER,
            status=v.Badge(text="Active", tone="success"),
            via="Plex",
            last_seen_at=NOW - 3 * DAY,
        ),
        v.UserRow(
            id="3",
            name="Kim",
            path="/admin/users/3",
            role=MEMBER,
            status=v.Badge(text="Suspended", tone="error"),
            via="Password",
            last_seen_at=NOW - 90 * DAY,
        ),
    )


def users() -> v.UsersView:
    waiting = v.UserRow(
        id="9", name="Sascha", path="/admin/users/9", role=MEMBER, status=v.Badge(text="Waiting", tone="warning"), via="Plex", asked_at=NOW - 240,
        actions=(v.Action(label="Let in", path="/admin/users/9/approve", method="post", tone="primary", swap="closest [data-swap]"), v.Action(label="Refuse", path="/admin/users/9/refuse", method="post", tone="error", confirm="Sascha cannot sign in then.")),
    )  # fmt: skip
    return v.UsersView(
        users=user_rows(),
        total=4,
        pending=(waiting,),
        tabs=(
            v.Choice(label="All", value="", path="/admin/users", current=True, count=4),
            v.Choice(label="Suspended", value="s", path="/admin/users?status=suspended", count=1),
        ),
    )


def user() -> v.UserView:
    form = v.Form(
        id="user", path="/admin/users/2", submit="Save", version=2,
        groups=(v.FieldGroup(fields=(v.Field(name="role", label="Role", kind="radio", value="user", choices=(v.Choice(label="Member", value="user"), v.Choice(label="Administrator", value="admin"))), v.Field(name="limit", label="Downloads an hour", kind="number", value="5", min="0"))),),
    )  # fmt: skip
    return v.UserView(
        user=user_rows()[1], form=form, identities=(v.Identity(provider="Plex", name="robin", linked_at=NOW - 30 * DAY),), facts=(v.Fact(label="Here since", value=NOW - 30 * DAY, kind="age"),),
        danger=(v.Action(label="Delete", path="/admin/users/2/delete", method="post", tone="error", icon="trash-2", confirm="Downloads and requests of Robin are removed.", confirm_word="Robin"),),
    )  # fmt: skip


def services() -> v.ServicesView:
    return v.ServicesView(services=HEALTH, options=OPTIONS)


def service() -> v.ServiceView:
    return v.ServiceView(
        title="Living room", service="Plex", form=service_form(), icon="clapperboard", health=HEALTH[0], facts=(v.Fact(label="Version", value="1.43.2"), v.Fact(label="Last full sync", value=NOW - HOUR, kind="age")),
        libraries=(v.Choice(label="Movies", value="1", count=912), v.Choice(label="TV Shows", value="2", count=372)), sync=v.Progress(live="sync/1", fraction=0.58, done=743, total=1284, text="TV Shows"),
        danger=(v.Action(label="Remove", path="/admin/services/1/remove", method="post", tone="error", icon="trash-2", confirm="Its titles leave the library.", confirm_word="Living room"),),
        events=(v.LogLine(at=NOW - 60, text="Answering again", tone="success"), v.LogLine(at=NOW - 600, text="Not answering", tone="error", note="Connection refused")),
    )  # fmt: skip


def service_add() -> v.ServiceView:
    return v.ServiceView(
        title="Add Plex",
        service="Plex",
        form=service_form(conflict=True),
        icon="clapperboard",
        text="Films, shows, sign-in and collections",
    )


def plugin_rows() -> tuple[v.PluginRow, ...]:
    return (
        v.PluginRow(name="plex", title="Plex", path="/admin/plugins/plex", state="ACTIVE", state_label="Working", tone="success", version="0.1.0", text="Sign-in, library and collections of Plex Media Servers", instances=2, icon="clapperboard"),
        v.PluginRow(name="tmdb", title="TMDB", path="/admin/plugins/tmdb", state="NEEDS_SETTINGS", state_label="Needs settings", tone="warning", version="0.1.0", text="Titles, overviews and artwork", icon="book-open"),
        v.PluginRow(name="oops", title="oops", path="/admin/plugins/oops", state="IMPORT_FAILED", state_label="Could not be loaded", tone="error", version="2.0", reason="It ended the process while being imported.", since_at=NOW - 3 * DAY, actions=(v.Action(label="Try again", path="/x", method="post"),)),
    )  # fmt: skip


def plugins() -> v.PluginsView:
    return v.PluginsView(
        plugins=plugin_rows(),
        builtin=(
            replace(
                plugin_rows()[0],
                name="local",
                title="Passwords",
                text="Sign-in with a local password",
                instances=0,
                icon="key-round",
            ),
        ),
        safe_mode=SafeMode(
            on=True,
            path="/admin/plugins/safe-mode",
            password=v.Field(name="password", label="Your password", kind="password", required=True),
            error="This is not your password.",
        ),
    )


MISTAKES = (
    Mistake(where="/p/oops/", text="ValueError: no such film", at=NOW - 90, count=3, trace="Traceback (most recent call last):\nValueError"),
    Mistake(where="", text="It works, but made a mistake (check): KeyError: 'up'", at=NOW - DAY, process="nas:41:x"),
)  # fmt: skip


def plugin() -> v.PluginView:
    return v.PluginView(
        plugin=plugin_rows()[2], facts=(v.Fact(label="Distribution", value="medianest-oops", kind="code"), v.Fact(label="API", value="1.0")), contributions=(v.Contribution(kind="Pages", names=("/p/oops/",)),), following="Silver", rules=(v.QualityRule(title="It names the home page of its service."),), instances=HEALTH[:1], mistakes=MISTAKES, hooks=("on_startup", "register_contributions"), traceback="Traceback (most recent call last):\n  File \"plugin.py\", line 3\nSystemExit: 3", add=OPTIONS[:1],
    )  # fmt: skip


def jobs() -> v.JobsView:
    return v.JobsView(
        jobs=(job(0), job(2, "queued"), job(3, "failed"), job(1, "done")), tabs=(v.Choice(label="All", value="", path="/admin/jobs", current=True), v.Choice(label="Failed", value="failed", path="/admin/jobs?state=failed", count=1)),
        stats=(v.Stat(label="Waiting", value="1"), v.Stat(label="Running", value="1", tone="primary"), v.Stat(label="Failed", value="1", tone="error"), v.Stat(label="Done today", value="92")),
        schedules=v.Action(label="Schedules", path="/admin/schedules", icon="alarm-clock"),
    )  # fmt: skip


def subscriptions() -> SubscriptionsView:
    row = SubscriptionRow(
        name="Harbour walks",
        path="/downloads/subscriptions/1",
        notes=("every 6 hours", "up to 30 minutes", "keeps the newest 10"),
        due_at=NOW + HOUR,
        newest_at=NOW - DAY,
        error="The site does not answer.",
        badge=v.Badge(text="Not working", tone="error"),
        actions=(v.Action(label="Look now", path="/x", method="post", icon="refresh-cw"),),
    )
    return SubscriptionsView(rows=(row,), add=v.Action(label="Subscribe", path="/x", icon="plus"))


def subscription() -> SubscriptionView:
    title = v.Field(name="title", label="Title", help="Text that is part of it, or a pattern with * and ?.")
    return SubscriptionView(
        title="Harbour walks",
        form=v.Form(id="subscription", path="/x", submit="Save", groups=(v.FieldGroup(fields=(title,)),)),
    )


def leaving() -> LeavingView:
    return LeavingView(
        title="Sign in with House",
        text="You are being taken to House, and back here once you have signed in there.",
        # It leads there by itself: to a place on the same page, so that the sample can be looked at.
        link="#there",
        label="Go to House",
        back_path="/sign-in/cancel",
        back_label="Back to all ways to sign in",
    )


def schedules() -> SchedulesView:
    run = v.Action(label="Run now", path="/x", method="post", icon="play")
    return SchedulesView(
        rows=(
            v.ScheduleRow(title="Re-check access", when="every 15 minutes", path="/admin/jobs", next_at=NOW + 300, last_at=NOW - 600, actions=(run,)),
            v.ScheduleRow(title="Look for new videos", when="0 4 * * * (Europe/Berlin)", path="/admin/jobs", plugin="youtube", badge=v.Badge(text="Paused", tone="warning"), actions=(run,)),
        ),
        add=v.Action(label="Add a schedule", path="/admin/schedules/add", icon="plus"),
    )  # fmt: skip


def schedule_form() -> ScheduleFormView:
    cron = v.Field(name="cron", label="At these times", example="0 4 * * *", error="That time never comes.")
    return ScheduleFormView(
        title="Look for new videos",
        form=v.Form(id="schedule", path="/x", submit="Save", groups=(v.FieldGroup(fields=(cron,)),)),
    )


def job_view() -> v.JobView:
    return v.JobView(
        job=job(3, "failed"),
        facts=(
            v.Fact(label="Number", value="j3", kind="code"),
            v.Fact(label="Began", value=NOW - 80, kind="age"),
        ),
        arguments='{\n  "instance_ids": ["2"]\n}',
        error="NotReady: connection refused",
        children=(job(0),),
        log=(v.LogLine(at=NOW - 30, text="Attempt 2 failed", tone="error"),),
    )


def arrange() -> v.ArrangeView:
    steps = (
        v.Action(
            label="Move up: Services",
            path="/home/arrange",
            method="post",
            icon="arrow-up",
            disabled="It is first.",
        ),
        v.Action(label="Hide: Services", path="/home/arrange", method="post", icon="eye-off"),
    )
    return v.ArrangeView(
        cards=(
            v.CardRow(id="services", title="Services", icon="activity", hidden=False, actions=steps),
            v.CardRow(id="downloads", title="My downloads", icon="download", hidden=True, actions=steps),
        ),
        reset=v.Action(label="As it was at first", path="/home/arrange/reset", method="post"),
        earlier=(
            v.EarlierCards(
                title="18 October 2026, 20:15",
                notes=("Shown then: My downloads", "Order then: My downloads, Services"),
                action=v.Action(
                    label="Bring back", path="/home/arrange/earlier/7", method="post", icon="rotate-ccw"
                ),
            ),
        ),
    )


def conflict() -> v.ConflictView:
    return v.ConflictView(
        title="Robin",
        text="Ada changed this 2 minutes ago.",
        wanted="Suspend",
        present=(v.Fact(label="Status", value="Waiting"), v.Fact(label="Role", value="Member")),
        actions=(
            v.Action(label="Leave it as it is now", path="/admin/users/2", tone="primary"),
            v.Action(
                label="Suspend", path="/admin/users/2/suspend", method="post", values=(("version", "3"),)
            ),
        ),
    )


def settings_state() -> SettingsStateView:
    return SettingsStateView(
        title="Nov 21, 2026, 9:12 AM",
        text="Changed by Casey",
        crumbs=(("Services", "/admin/services"), ("Plex", "/admin/services/1")),
        changes=(
            SettingRow(label="Address", before="http://192.168.1.20:32400/", after="http://plex.home/"),
            SettingRow(label="Token", hidden=True),
        ),
        differences=(SettingRow(label="Name", before="Plex", after="Plex in the cellar"),),
        stays=("Token",),
        form=v.Form(
            path="/admin/services/1/history/3/restore",
            groups=(
                v.FieldGroup(
                    fields=(v.Field(name="password", label="Your password", kind="password", required=True),)
                ),
            ),
            submit="Bring these settings back",
            version=4,
        ),
    )


def error(status: int, name: str, text: str) -> v.ErrorView:
    return v.ErrorView(
        status=status,
        title=name,
        text=text,
        correlation_id="7f3c2a90",
        retry_at=NOW + 40 if status in (429, 503) else None,
        actions=(v.Action(label="Go home", path="/", icon="house"),),
    )


def search() -> v.SearchView:
    return v.SearchView(
        query="light", all_path="/library?q=light",
        hits=(v.SearchHit(label="Lanterns Under Ice", path="/title/1", group="Titles", note="Film · 2023", art=art("p1")), v.SearchHit(label="Nightjar", path="/title/5", group="Titles", note="Film · 2025"), v.SearchHit(label="Downloads", path="/downloads", group="Pages", icon="download")),
    )  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """One page of the gallery: its name, template, view-model and the path it stands at."""

    name: str
    template: str
    view: object
    path: str = "/"
    shell: v.Shell | None = None

    def context(self, *, live: bool = False) -> dict[str, object]:
        bare = self.template in (
            "core/sign_in.html",
            "core/sign_in_code.html",
            "core/pending.html",
            "core/setup.html",
        )
        around = self.shell or (BARE if bare else shell(self.path))
        return {"view": self.view, "shell": replace(around, live=live and around.user is not None)}


def samples() -> Iterator[Sample]:
    yield Sample("home", "core/home.html", home())
    yield Sample("home-empty", "core/home.html", home_empty(), shell=shell("/", empty=True))
    yield Sample("library", "core/library.html", library(), "/library")
    yield Sample("library-dense", "core/library.html", library_dense(), "/library")
    yield Sample("library-empty", "core/library.html", library_empty(), "/library")
    yield Sample("title", "core/title.html", title(), "/library")
    yield Sample("collections", "core/collections.html", collections(), "/collections")
    yield Sample("collection", "core/collection.html", collection(), "/collections")
    yield Sample("downloads", "core/downloads.html", downloads(), "/downloads")
    yield Sample("downloads-preview", "core/downloads.html", downloads_preview(), "/downloads")
    yield Sample("downloads-empty", "core/downloads.html", downloads_empty(), "/downloads")
    yield Sample("download", "core/download.html", download(), "/downloads")
    yield Sample("requests", "core/requests.html", samples_requests.requests(), "/requests")
    yield Sample("requests-empty", "core/requests.html", samples_requests.requests_empty(), "/requests")
    yield Sample("reports", "core/requests.html", samples_requests.reports(), "/requests/issues")
    yield Sample("watchlist", "core/panels.html", samples_requests.watchlist(), "/requests/watchlist")
    yield Sample("people", "core/panels.html", samples_requests.people(), "/admin/users/import")
    yield Sample("request", "core/request.html", samples_requests.request(), "/requests/r1")
    yield Sample("report", "core/request_issue.html", samples_requests.report(), "/requests/issues/w1")
    yield Sample(
        "report-solved", "core/request_issue.html", samples_requests.report_solved(), "/requests/issues/w2"
    )
    yield Sample("status", "core/status.html", samples_status.status(), "/status")
    yield Sample("status-empty", "core/status.html", samples_status.status_empty(), "/status")
    yield Sample("monitor", "core/monitor.html", samples_status.monitor(), "/status/4")
    yield Sample(
        "announcement", "core/announcement.html", samples_status.announcement(), "/status/announcements/a"
    )
    yield Sample("notifications", "core/notifications.html", notifications(), "/notifications")
    yield Sample("account", "core/account.html", account(), "/account")
    yield Sample("search", "core/search.html", search(), "/search")
    yield Sample("sign-in", "core/sign_in.html", sign_in(), "/sign-in")
    yield Sample("subscriptions", "core/subscriptions.html", subscriptions(), "/downloads/subscriptions")
    yield Sample("subscription", "core/subscription.html", subscription(), "/downloads/subscriptions/1")
    yield Sample("leaving", "core/leaving.html", leaving(), "/sign-in/code")
    yield Sample("sign-in-code", "core/sign_in_code.html", code(), "/sign-in/code")
    yield Sample("sign-in-expired", "core/sign_in_code.html", code_expired(), "/sign-in/code")
    yield Sample("sign-in-popup", "core/sign_in_code.html", popup(), "/sign-in/code")
    yield Sample("pending", "core/pending.html", pending(), "/sign-in/pending")
    yield Sample("setup-admin", "core/setup.html", setup_admin(), "/setup")
    yield Sample("setup-service", "core/setup.html", setup_service(), "/setup")
    yield Sample("setup-done", "core/setup.html", setup_done(), "/setup")
    yield Sample("admin-overview", "core/admin/overview.html", overview(), "/admin")
    yield Sample("admin-users", "core/admin/users.html", users(), "/admin/users")
    yield Sample("admin-user", "core/admin/user.html", user(), "/admin/users/2")
    yield Sample("arrange", "core/arrange.html", arrange(), "/home/arrange")
    yield Sample("conflict", "core/conflict.html", conflict(), "/admin/users/2/suspend")
    yield Sample("admin-services", "core/admin/services.html", services(), "/admin/services")
    yield Sample("admin-service", "core/admin/service.html", service(), "/admin/services/1")
    yield Sample(
        "admin-settings-state",
        "core/admin/settings_state.html",
        settings_state(),
        "/admin/services/1/history/3",
    )
    yield Sample("admin-service-add", "core/admin/service.html", service_add(), "/admin/services/add/plex")
    yield Sample("admin-plugins", "core/admin/plugins.html", plugins(), "/admin/plugins")
    yield Sample("admin-plugin", "core/admin/plugin.html", plugin(), "/admin/plugins/oops")
    yield Sample("admin-jobs", "core/admin/jobs.html", jobs(), "/admin/jobs")
    yield Sample("admin-schedules", "core/admin/schedules.html", schedules(), "/admin/schedules")
    yield Sample("admin-schedule", "core/admin/schedule.html", schedule_form(), "/admin/schedules/x")
    yield Sample("admin-job", "core/admin/job.html", job_view(), "/admin/jobs/j3")
    yield Sample(
        "plugin-page",
        "core/plugin_page.html",
        v.PluginPageView(title="Hello", html=Markup("<section class='panel'>Hello</section>")),
        "/p/hello/",
    )
    yield Sample(
        "error-404",
        "core/errors/error.html",
        error(404, "Nothing here", "This page does not exist, or is not yours to see."),
        "/nowhere",
    )
    yield Sample(
        "error-503-bare",
        "core/errors/error.html",
        error(503, "One moment", "The portal is starting."),
        "/nowhere",
        shell=BARE,
    )
