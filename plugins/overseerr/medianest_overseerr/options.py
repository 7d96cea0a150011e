"""What can be chosen for a request: profile, folder and tags of the Radarrs or Sonarrs behind Seerr.

A value says which of them it belongs to: "0:4" is profile 4 of the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from medianest_core.sdk import N_, OptionChoice, Rejected, RequestOption
from medianest_overseerr import reading
from medianest_overseerr.client import SeerrClient
from medianest_overseerr.reading import Row

PROFILE, FOLDER, TAGS = "profile", "folder", "tags"
Labelled = Sequence[tuple[int, str, Row]]


async def offered(client: SeerrClient, kind: str, variant: str) -> list[RequestOption]:
    """The options of a media type; none where nothing is connected behind it."""
    service = "radarr" if kind == "movie" else "sonarr"
    servers = [
        row for row in await client.services(service) if (row.get("is4k") is True) == (variant == "4k")
    ]
    known = [(number, row) for row in servers if (number := reading.whole(row, "id")) is not None]
    details = await asyncio.gather(*(client.service(service, number) for number, _ in known))
    several = len(known) > 1
    servers_with = [
        (number, f"{reading.text(row, 'name')} · " if several else "", found)
        for (number, row), found in zip(known, details, strict=True)
    ]
    first = next((row for _, row in known if row.get("isDefault") is True), known[0][1] if known else {})
    options = [
        _option(PROFILE, N_("Quality profile"), servers_with, "profiles", "id", "name"),
        _option(FOLDER, N_("Folder"), servers_with, "rootFolders", "path", "path"),
        _option(TAGS, N_("Tags"), servers_with, "tags", "id", "label", many=True),
    ]
    defaults = _defaults(first)
    return [_with_default(option, defaults.get(option.name)) for option in options if option.choices]


def chosen(options: Mapping[str, str]) -> dict[str, Any]:
    """The part of a request's body that they stand for. Raises Rejected for values of two servers or of no form."""
    body: dict[str, Any] = {}
    servers: set[int] = set()

    def take(value: str) -> str:
        server, colon, rest = value.partition(":")
        if not colon or not server.isdecimal() or not rest:
            raise Rejected("One of the chosen options is not known any more. Choose again.")
        servers.add(int(server))
        return rest

    if options.get(PROFILE):
        body["profileId"] = _number(take(options[PROFILE]))
    if options.get(FOLDER):
        body["rootFolder"] = take(options[FOLDER])
    if options.get(TAGS):
        body["tags"] = [_number(take(value)) for value in options[TAGS].split(",")]
    if len(servers) > 1:
        raise Rejected("Profile, folder and tags must belong to the same server.")
    if servers:
        body["serverId"] = servers.pop()
    return body


def _option(
    name: str, title: str, servers: Labelled, listing: str, value: str, label: str, *, many: bool = False
) -> RequestOption:
    choices = [
        OptionChoice(f"{server}:{row[value]}", f"{prefix}{row.get(label) or row[value]}")
        for server, prefix, found in servers
        for row in reading.parts(found, listing)
        if row.get(value) is not None
    ]
    return RequestOption(name, title, choices, many=many)


def _defaults(server: Row) -> dict[str, str]:
    number = reading.whole(server, "id")
    found: dict[str, str] = {}
    if number is None:
        return found
    profile, folder = reading.whole(server, "activeProfileId"), reading.text(server, "activeDirectory")
    if profile is not None:
        found[PROFILE] = f"{number}:{profile}"
    if folder:
        found[FOLDER] = f"{number}:{folder}"
    tags = server.get("activeTags")
    if isinstance(tags, list) and tags:
        found[TAGS] = ",".join(f"{number}:{tag}" for tag in tags)
    return found


def _with_default(option: RequestOption, default: str | None) -> RequestOption:
    values = {choice.value for choice in option.choices}
    if default is None or not set(default.split(",") if option.many else [default]) <= values:
        return option
    return RequestOption(option.name, option.title, option.choices, default, option.many)


def _number(text: str) -> int:
    if not text.isdecimal():
        raise Rejected("One of the chosen options is not known any more. Choose again.")
    return int(text)
