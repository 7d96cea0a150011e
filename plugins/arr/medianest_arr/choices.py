"""What can be chosen for a new title: quality profile, root folder, tags."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medianest_arr.client import ArrClient
from medianest_arr.models import Profile, RootFolder, Tag
from medianest_arr.settings import ArrSettings
from medianest_core.sdk import N_, OptionChoice, Rejected, RequestOption

PROFILE, ROOT, TAGS, KIND = "quality_profile", "root_folder", "tags", "series_type"
SERIES_TYPES = {"standard": "Standard", "daily": "Daily / Date", "anime": "Anime / Absolute"}
"""How Sonarr counts episodes, in its own words."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a new title is added with."""

    profile: int
    root: str
    tags: Sequence[int]


async def offered(client: ArrClient, config: ArrSettings) -> Sequence[RequestOption]:
    """The options with their defaults."""
    profiles, roots, tags = await asyncio.gather(client.profiles(), client.roots(), client.tags())
    usable = [root for root in roots if root.accessible]
    profile, root = _default_profile(profiles, config), _default_root(usable, config)
    return [
        RequestOption(
            PROFILE,
            N_("Quality profile"),
            [OptionChoice(str(row.id), row.name) for row in profiles],
            default=str(profile.id) if profile else None,
        ),
        RequestOption(
            ROOT,
            N_("Root folder"),
            [OptionChoice(row.path, _with_space(row)) for row in usable],
            default=root.path if root else None,
        ),
        RequestOption(
            TAGS,
            N_("Tags"),
            [OptionChoice(str(row.id), row.label) for row in tags],
            default=",".join(str(one) for one in _default_tags(tags, config)) or None,
            many=True,
        ),
    ]


def series_types() -> RequestOption:
    """What Sonarr alone asks; without a choice it is what its catalog says of the series."""
    titles = [OptionChoice(value, title) for value, title in SERIES_TYPES.items()]
    return RequestOption(KIND, N_("Series type"), titles)


def series_type(options: Mapping[str, str], usual: str) -> str:
    """The chosen one. Raises Rejected for one that Sonarr does not have."""
    wish = options.get(KIND) or usual
    if KIND in options and wish not in SERIES_TYPES:
        raise Rejected(N_("{app} has no such series type.").format(app="Sonarr"))
    return wish


async def chosen(client: ArrClient, config: ArrSettings, options: Mapping[str, str]) -> Chosen:
    """What these options come to, the defaults for those that are not given. Raises Rejected for what the service does not have."""
    profiles, roots = await asyncio.gather(client.profiles(), client.roots())
    profile = _default_profile(profiles, config)
    if wish := options.get(PROFILE):
        profile = next((row for row in profiles if wish in (str(row.id), row.name)), None)
    if profile is None:
        raise Rejected(N_("{app} has no such quality profile.").format(app=client.app))
    usable = [row for row in roots if row.accessible]
    if roots and not usable:
        raise Rejected(N_("{app} cannot reach any of its root folders.").format(app=client.app))
    root = _default_root(usable, config)
    if wish := options.get(ROOT):
        root = next((row for row in usable if wish.rstrip("/\\") == row.path.rstrip("/\\")), None)
    if root is None:
        raise Rejected(N_("{app} has no such root folder, or cannot reach it.").format(app=client.app))
    given = options.get(TAGS)
    if given is not None:
        tags: Sequence[int] = [int(part) for part in given.split(",") if part.strip().isdecimal()]
    else:
        tags = _default_tags(await client.tags(), config) if config.tags else ()
    return Chosen(profile.id, root.path, tags)


def _default_profile(rows: Sequence[Profile], config: ArrSettings) -> Profile | None:
    if config.quality_profile:
        wish = config.quality_profile.casefold()
        return next((row for row in rows if row.name.casefold() == wish), None)
    return next(iter(rows), None)


def _default_root(rows: Sequence[RootFolder], config: ArrSettings) -> RootFolder | None:
    if config.root_folder:
        wish = config.root_folder.rstrip("/\\")
        return next((row for row in rows if row.path.rstrip("/\\") == wish), None)
    return max(rows, key=lambda row: row.free_space or 0, default=None)


def _default_tags(rows: Sequence[Tag], config: ArrSettings) -> Sequence[int]:
    wished = {part.strip().casefold() for part in config.tags.split(",") if part.strip()}
    return [row.id for row in rows if row.label.casefold() in wished]


def _with_space(row: RootFolder) -> str:
    if row.free_space is None:
        return row.path
    return f"{row.path} ({row.free_space / 1e12:.1f} TB)"
