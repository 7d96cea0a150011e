"""One link, and what may be one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlsplit

from medianest_core.sdk import N_, UserError, Viewer

EVERYONE = ""
ROLES = (EVERYONE, "admin")
"""Who may see a link: everyone who is signed in, or one role; admins see all."""
ICONS = (
    "link", "globe", "house", "film", "tv", "music", "headphones", "book-open", "image", "podcast", "rss", "download",
    "folder", "hard-drive", "server", "database", "network", "wifi", "activity", "gauge", "chart-line", "shield",
    "key-round", "mail", "message-circle", "calendar", "clock", "list-checks", "settings", "terminal", "bot", "box",
    "cpu", "monitor", "cast", "star", "heart", "sun", "palette", "wrench", "zap",
)  # fmt: skip
_BLANK = re.compile(r"[\s\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an admin fills in. group "" is no group."""

    title: str
    url: str
    icon: str = "link"
    group: str = ""
    role: str = EVERYONE


@dataclass(frozen=True, slots=True)
class Link(Wanted):
    id: str = ""
    version: int = 0

    @property
    def host(self) -> str:
        """Where it leads, for people: the address without path and port's default."""
        return urlsplit(self.url).netloc


def checked(wanted: Wanted) -> Wanted:
    """The same, tidied. Raises UserError that names the field."""
    title, group = " ".join(wanted.title.split()), " ".join(wanted.group.split())
    if not title:
        raise UserError(N_("Give it a name."), "title")
    if len(title) > 80:
        raise UserError(N_("The name is too long."), "title")
    if len(group) > 40:
        raise UserError(N_("The name of the group is too long."), "group")
    if wanted.icon not in ICONS:
        raise UserError(N_("There is no such icon."), "icon")
    if wanted.role not in ROLES:
        raise UserError(N_("There is no such role."), "role")
    return Wanted(title, _address(wanted.url.strip()), wanted.icon, group, wanted.role)


def _address(url: str) -> str:
    """Only what a browser opens as a page of another place: http and https with a host, without a password in it."""
    wrong = UserError(N_("Enter an address that begins with http:// or https://."), "url")
    if not url or _BLANK.search(url) or "\\" in url:
        raise wrong
    if len(url) > 2000:
        raise UserError(N_("The address is too long."), "url")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise wrong
    if parts.username is not None or parts.password is not None:
        raise UserError(
            N_("Leave user name and password out: everyone who sees the link could read them."), "url"
        )
    return url


def visible(links: Iterable[Link], viewer: Viewer) -> list[Link]:
    """Those that this person may see."""
    return [one for one in links if viewer.is_admin or one.role in (EVERYONE, viewer.role)]


def grouped(links: Iterable[Link]) -> Mapping[str, list[Link]]:
    """By group; groups in the order of their first link, links in theirs."""
    places: dict[str, int] = {}
    kept = list(links)
    for one in kept:
        places.setdefault(one.group, len(places))
    ordered = sorted(kept, key=lambda one: places[one.group])
    return {group: list(found) for group, found in groupby(ordered, key=lambda one: one.group)}
