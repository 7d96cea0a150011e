"""How far a request is, from its own state there and that of its title, which move separately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from medianest_core.sdk import (
    MOVIE,
    N_,
    SEASON,
    SHOW,
    InvalidResponse,
    RequestItem,
    RequestState,
    RequestStatus,
)
from medianest_overseerr import reading
from medianest_overseerr.reading import Row

PENDING, APPROVED, DECLINED, FAILED, COMPLETED = 1, 2, 3, 4, 5
"""States of a request; COMPLETED is known to Seerr alone."""
(
    MEDIA_UNKNOWN,
    MEDIA_PENDING,
    MEDIA_PROCESSING,
    MEDIA_PARTLY,
    MEDIA_AVAILABLE,
    MEDIA_BLOCKED,
    MEDIA_DELETED,
) = range(1, 8)
"""States of a title; the last two are known to Seerr alone."""

_OF_MEDIA = {
    MEDIA_PROCESSING: RequestStatus.PROCESSING,
    MEDIA_PARTLY: RequestStatus.PARTIALLY_AVAILABLE,
    MEDIA_AVAILABLE: RequestStatus.AVAILABLE,
    MEDIA_DELETED: RequestStatus.GONE,
}
_S = RequestStatus


def state(row: Row, media: Row | None = None) -> RequestState:
    """Of a request's row. media: of its title, where the row does not hold it. Raises InvalidResponse."""
    media = reading.part(row, "media") if media is None else media
    identifier, own = reading.whole(row, "id"), reading.whole(row, "status")
    if identifier is None or own is None:
        raise InvalidResponse("Overseerr or Seerr answered with a request that cannot be read.")
    is4k = row.get("is4k") is True
    seasons = _seasons(row, media, is4k)
    status = _status(own, reading.whole(media, "status4k" if is4k else "status"), seasons)
    times = [reading.moment(row, "updatedAt"), reading.moment(media, "updatedAt")]
    known = [at for at in times if at is not None]
    told = RequestState(
        str(identifier), status, _words(own, status, media, is4k), seasons, max(known, default=None)
    )
    return _whose(told, row, media)


def gone(reference: str) -> RequestState:
    """Someone deleted it there."""
    return RequestState(reference, _S.GONE, N_("Someone deleted this request in Overseerr or Seerr."))


def stands(row: Row, media: Row) -> bool:
    """Would it keep a second one from being made? Declined ones do not, nor those whose title was deleted since."""
    own = reading.whole(row, "status")
    there = reading.whole(media, "status4k" if row.get("is4k") is True else "status")
    if own == COMPLETED:
        return there in (MEDIA_PROCESSING, MEDIA_PARTLY, MEDIA_AVAILABLE)
    return own in (PENDING, APPROVED, FAILED)


def partly(row: Row) -> bool:
    """Is only a part of its title there?"""
    media = reading.part(row, "media")
    return reading.whole(media, "status4k" if row.get("is4k") is True else "status") == MEDIA_PARTLY


def numbers(row: Row) -> set[int]:
    """Seasons that a request asks for."""
    found = (reading.whole(season, "seasonNumber") for season in reading.parts(row, "seasons"))
    return {number for number in found if number is not None}


def _whose(told: RequestState, row: Row, media: Row) -> RequestState:
    """With what the row says besides: what it is for, whose it is, and since when."""
    person = reading.part(row, "requestedBy")
    film = (reading.text(row, "type") or reading.text(media, "mediaType")) == "movie"
    seasons = () if film else tuple(sorted(numbers(row)))
    found = {name: reading.whole(media, f"{name}Id") for name in ("tmdb", "tvdb")}
    ids = {name: str(value) for name, value in found.items() if value}
    if imdb := reading.text(media, "imdbId"):
        ids["imdb"] = imdb
    item = RequestItem(
        MOVIE if film else SEASON if seasons else SHOW,
        ids,
        "",
        seasons=seasons,
        variant="4k" if row.get("is4k") is True else "",
    )
    owner = reading.whole(person, "id")
    return replace(
        told,
        item=item if ids else None,
        user="" if owner is None else str(owner),
        user_name=reading.name(person),
        created_at=reading.moment(row, "createdAt"),
    )


def _status(own: int, media: int | None, seasons: Mapping[int, RequestStatus]) -> RequestStatus:
    if media == MEDIA_BLOCKED or own == DECLINED:
        return _S.DECLINED
    if own == PENDING:
        return _S.PENDING
    if own == FAILED:
        return _S.FAILED
    if seasons:
        return _whole(seasons, own)
    if own == COMPLETED:
        return _S.GONE if media in (MEDIA_UNKNOWN, MEDIA_DELETED) else _S.AVAILABLE
    return _OF_MEDIA.get(media or 0, _S.APPROVED)


def _whole(seasons: Mapping[int, RequestStatus], own: int) -> RequestStatus:
    found = set(seasons.values())
    if len(found) == 1:
        return found.pop()
    if found & {_S.AVAILABLE, _S.PARTIALLY_AVAILABLE}:
        return _S.PARTIALLY_AVAILABLE
    if found & {_S.PROCESSING}:
        return _S.PROCESSING
    return _S.APPROVED if own == APPROVED else _S.AVAILABLE


def _seasons(row: Row, media: Row, is4k: bool) -> dict[int, RequestStatus]:
    """Number → status. Lists leave the title's seasons out: then what the request's own seasons say must do."""
    there = {
        number: reading.whole(season, "status4k" if is4k else "status")
        for season in reading.parts(media, "seasons")
        if (number := reading.whole(season, "seasonNumber")) is not None
    }
    overall = reading.whole(media, "status4k" if is4k else "status")
    found: dict[int, RequestStatus] = {}
    for season in reading.parts(row, "seasons"):
        number, own = reading.whole(season, "seasonNumber"), reading.whole(season, "status")
        if number is None or own is None:
            continue
        media_state = there.get(number)
        if media_state is None and "seasons" not in media:
            # A title that is there in part tells nothing of this season.
            media_state = overall if overall != MEDIA_PARTLY else MEDIA_PROCESSING
        found[number] = _season(own, media_state)
    return found


def _season(own: int, media: int | None) -> RequestStatus:
    simple = {PENDING: _S.PENDING, DECLINED: _S.DECLINED, FAILED: _S.FAILED}
    if own in simple:
        return simple[own]
    if own == COMPLETED:
        return _S.GONE if media == MEDIA_DELETED else _S.AVAILABLE
    return _OF_MEDIA.get(media or 0, _S.APPROVED)


def _words(own: int, status: RequestStatus, media: Row, is4k: bool) -> str:
    if reading.whole(media, "status4k" if is4k else "status") == MEDIA_BLOCKED:
        return N_("This title is on the blocklist of Overseerr or Seerr.")
    return {
        _S.PENDING: N_("It waits for approval in Overseerr or Seerr."),
        _S.DECLINED: N_("It was declined in Overseerr or Seerr."),
        _S.FAILED: N_("Overseerr or Seerr could not hand it on to Radarr or Sonarr."),
        _S.GONE: N_("It was available, and its files were deleted since."),
        _S.APPROVED: N_("It is approved, and Radarr or Sonarr has not taken it over yet."),
    }.get(status, "")
