"""The navigation: the core's own entries, those of plugins, what a person may see and where they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from .i18n import gettext as _
from .views import NavGroup, NavLink

Section = Literal["main", "more", "admin"]
BOTTOM = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A place one can go. `permission` None is for everybody signed in; `order` sorts within the section."""

    key: str
    label: str
    path: str
    icon: str
    section: Section = "main"
    order: int = 500
    permission: str | None = None
    bottom: bool = False


def core_entries() -> tuple[Entry, ...]:
    """The core's entries, in the current language."""
    return (
        Entry(key="home", label=_("Home"), path="/", icon="house", order=10, bottom=True),
        Entry(key="library", label=_("Library"), path="/library", icon="library-big", order=20, bottom=True),
        Entry(key="discover", label=_("Discover"), path="/discover", icon="compass", order=25, bottom=True),
        Entry(key="collections", label=_("Collections"), path="/collections", icon="layers", order=30),
        Entry(
            key="downloads", label=_("Downloads"), path="/downloads", icon="download", order=40, bottom=True
        ),
        Entry(key="requests", label=_("Requests"), path="/requests", icon="ticket", order=35),
        Entry(key="calendar", label=_("Calendar"), path="/calendar", icon="calendar-days", order=38),
        Entry(key="status", label=_("Status"), path="/status", icon="activity", order=45),
        Entry(
            key="notifications",
            label=_("Notifications"),
            path="/notifications",
            icon="bell",
            order=50,
            bottom=True,
        ),
        Entry(
            key="overview",
            label=_("Overview"),
            path="/admin",
            icon="gauge",
            section="admin",
            order=10,
            permission="admin",
        ),
        Entry(
            key="users",
            label=_("Users"),
            path="/admin/users",
            icon="users",
            section="admin",
            order=20,
            permission="admin",
        ),
        Entry(
            key="request-rules",
            label=_("Request rules"),
            path="/admin/requests",
            icon="ticket",
            section="admin",
            order=25,
            permission="admin",
        ),
        Entry(
            key="services",
            label=_("Services"),
            path="/admin/services",
            icon="server",
            section="admin",
            order=30,
            permission="admin",
        ),
        Entry(
            key="plugins",
            label=_("Plugins"),
            path="/admin/plugins",
            icon="blocks",
            section="admin",
            order=40,
            permission="admin",
        ),
        Entry(
            key="sync",
            label=_("Sync"),
            path="/admin/sync",
            icon="folder-sync",
            section="admin",
            order=45,
            permission="admin",
        ),
        Entry(
            key="jobs",
            label=_("Jobs"),
            path="/admin/jobs",
            icon="list-checks",
            section="admin",
            order=50,
            permission="admin",
        ),
        Entry(
            key="webhooks",
            label=_("Webhooks"),
            path="/admin/webhooks",
            icon="webhook",
            section="admin",
            order=55,
            permission="admin",
        ),
        Entry(
            key="backups",
            label=_("Backups"),
            path="/admin/backups",
            icon="archive",
            section="admin",
            order=60,
            permission="admin",
        ),
        Entry(
            key="settings",
            label=_("Settings"),
            path="/admin/settings",
            icon="settings",
            section="admin",
            order=65,
            permission="admin",
        ),
        Entry(
            key="caches",
            label=_("Caches"),
            path="/admin/caches",
            icon="database",
            section="admin",
            order=70,
            permission="admin",
        ),
        Entry(
            key="checkup",
            label=_("Check-up"),
            path="/admin/checkup",
            icon="wrench",
            section="admin",
            order=80,
            permission="admin",
        ),
    )


def _inside(path: str, place: str) -> bool:
    return path == place or (place not in ("/", "/admin") and path.startswith(f"{place}/"))


def build_nav(
    path: str,
    permissions: Collection[str],
    extra: Iterable[Entry] = (),
    counts: Mapping[str, int] | None = None,
) -> tuple[NavGroup, ...]:
    """The groups a person sees at `path`. `permissions` are theirs (`admin` for admins); `counts` are badges by key."""
    titles: dict[Section, str] = {"main": "", "more": _("More"), "admin": _("Administration")}
    shown = [e for e in (*core_entries(), *extra) if e.permission is None or e.permission in permissions]
    shown.sort(key=lambda e: (e.order, e.label))
    here = max((e.path for e in shown if _inside(path, e.path)), key=len, default="")
    bottom = [e.key for e in shown if e.bottom][:BOTTOM]
    groups = []
    for section, title in titles.items():
        links = tuple(
            NavLink(
                key=e.key,
                label=e.label,
                path=e.path,
                icon=e.icon,
                current=e.path == here,
                count=(counts or {}).get(e.key, 0),
                bottom=e.key in bottom,
            )
            for e in shown
            if e.section == section
        )
        if links:
            groups.append(NavGroup(label=title, links=links))
    return tuple(groups)
