"""Issues: what is wrong with a title that the household has, told to Seerr and read from it."""

from __future__ import annotations

from medianest_core.sdk import (
    EPISODE,
    MOVIE,
    SEASON,
    SHOW,
    AuthFailed,
    Issue,
    NotFound,
    Rejected,
    RequestItem,
)
from medianest_overseerr import finding, reading
from medianest_overseerr.client import SeerrClient, broken, said, whole
from medianest_overseerr.reading import Row

_NUMBERS = {"video": 1, "audio": 2, "subtitles": 3, "other": 4}
_NAMES = {number: name for name, number in _NUMBERS.items()}
LATELY = 50
"""Resolved ones that are still told of."""


async def report(client: SeerrClient, issue: Issue, user: str) -> str:
    """Its id there. Raises Rejected for a title that Seerr has never heard of."""
    kind, tmdb = await finding.title(client, issue.item)
    media = reading.whole(await client.title_row(kind, tmdb), "id")
    if media is None:
        raise Rejected(
            "Overseerr or Seerr does not have this title in its list, so nothing can be reported there."
        )
    body = {"issueType": _NUMBERS.get(issue.kind, 4), "message": issue.message, "mediaId": media}
    season, episode = next(iter(issue.item.episodes), (next(iter(issue.item.seasons), 0), 0))
    if season:
        body["problemSeason"] = season
    if episode:
        body["problemEpisode"] = episode
    try:
        _, found = await client.send("POST", "/issue", json=body, user=user)
    except AuthFailed:
        if not user:
            raise
        # The person may not report there, or is unknown by now: the portal let them, so the owner does it for them.
        _, found = await client.send("POST", "/issue", json=body)
    return str(reading.whole(reading.row(found), "id") or "")


async def listed(client: SeerrClient) -> list[Issue]:
    """All open ones, then the last resolved ones."""
    found = [_issue(row) async for row in client.pages("/issue", "&filter=open")]
    resolved = 0
    async for row in client.pages("/issue", "&filter=resolved&sort=modified"):
        found.append(_issue(row))
        resolved += 1
        if resolved == LATELY:
            break
    return [issue for issue in found if issue is not None]


async def resolve(client: SeerrClient, reference: str) -> None:
    """Raises NotFound for one that is not there."""
    status, found = await client.send("POST", f"/issue/{whole(reference)}/resolved", expect=(404, 500))
    if status >= 400:
        if status == 404 or "not found" in said(found).lower():
            raise NotFound("Overseerr or Seerr does not know this any more.")
        raise broken(said(found))


def _issue(row: Row) -> Issue | None:
    identifier = reading.whole(row, "id")
    media = reading.part(row, "media")
    if identifier is None or not media:
        return None
    season, episode = reading.whole(row, "problemSeason") or 0, reading.whole(row, "problemEpisode") or 0
    film = reading.text(media, "mediaType") == "movie"
    kind = MOVIE if film else EPISODE if season and episode else SEASON if season else SHOW
    ids = {
        name: str(value)
        for name in ("tmdb", "tvdb")
        if (value := reading.whole(media, f"{name}Id")) is not None
    }
    item = RequestItem(
        kind,
        ids,
        "",
        seasons=(season,) if season else (),
        episodes=((season, episode),) if season and episode else (),
    )
    first = next(iter(reading.parts(row, "comments")), {})
    person = reading.part(row, "createdBy")
    owner = reading.whole(person, "id")
    return Issue(
        _NAMES.get(reading.whole(row, "issueType") or 4, "other"),
        reading.text(first, "message"),
        item,
        str(identifier),
        reading.whole(row, "status") != 2,
        "" if owner is None else str(owner),
        reading.name(person),
        reading.moment(row, "createdAt"),
    )
