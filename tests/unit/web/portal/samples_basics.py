"""What the samples of many pages share."""

from __future__ import annotations

from medianest_core.web.portal import views as v
from medianest_core.web.portal.nav import build_nav

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
