"""How requests come about and move on: the rules of Seerr, its quotas, duplicates and states.

A request and the state of its title move separately: approving answers at once, the title is processing a moment later, and becomes available only when a scan
finds it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from medianest_overseerr.simulation.constants import MediaStatus, Notice, Permission, RequestStatus
from medianest_overseerr.simulation.errors import Refusal
from medianest_overseerr.simulation.people import Person
from medianest_overseerr.simulation.records import Media, Request, RequestedSeason, SeasonRow
from medianest_overseerr.simulation.titles import Work
from medianest_overseerr.simulation.world import World

P = Permission
DAY = 86400.0


def quota(world: World, person: Person) -> dict[str, dict[str, Any]]:
    """`GET /user/{id}/quota`; series are counted by season."""
    return {
        "movie": _quota(
            _used(world, person, "movie", person.movie_days), person.movie_limit, person.movie_days
        ),
        "tv": _quota(_used(world, person, "tv", person.tv_days), person.tv_limit, person.tv_days),
    }


def create(world: World, body: Mapping[str, Any], actor: Person) -> Request:
    """`POST /request`. Refusal with the status and words of Seerr, 202 included."""
    owner = _owner(world, body, actor)
    kind, is4k = body["mediaType"], body.get("is4k")
    word = "movie" if kind == "movie" else "series"
    rights = {
        ("movie", False): (P.REQUEST, P.REQUEST_MOVIE),
        ("movie", True): (P.REQUEST_4K, P.REQUEST_4K_MOVIE),
        ("tv", False): (P.REQUEST, P.REQUEST_TV),
        ("tv", True): (P.REQUEST_4K, P.REQUEST_4K_TV),
    }[kind, bool(is4k)]
    if not owner.may(*rights):
        raise Refusal(403, f"You do not have permission to make {'4K ' if is4k else ''}{word} requests.")
    left = quota(world, owner)[kind]
    if left["restricted"]:
        raise Refusal(403, f"{word.capitalize()} Quota exceeded.")
    work = _known(world, kind, body["mediaId"])
    media = world.find_media(kind, work.tmdb)
    if world.options.seerr and media is not None and media.state(bool(is4k)) == MediaStatus.BLOCKLISTED:
        raise Refusal(403, "This media is blocklisted.")
    if kind == "movie":
        _refuse_second(world, media, is4k)
        seasons: Sequence[int] = ()
    else:
        seasons = _seasons(world, work, media, body, is4k)
        if left.get("limit") and len(seasons) > left["remaining"]:
            raise Refusal(403, "Series Quota exceeded.")
    return _insert(world, work, body, owner, actor, seasons)


def approve(world: World, request: Request, actor: Person) -> None:
    """Accepted for a request in any state; sends it again where it was approved already."""
    if request.status in (RequestStatus.PENDING, RequestStatus.DECLINED, RequestStatus.FAILED):
        _set_status(world, request, RequestStatus.APPROVED, actor)
    else:
        request.modified_by, request.updated_at = actor.id, world.clock()
    world.ledger.record("request.approved", id=request.id, by=actor.id)
    if request.media.state(bool(request.is4k)) != MediaStatus.AVAILABLE:
        world.webhooks.emit(Notice.MEDIA_APPROVED, request.media, request=request)
    _send(world, request)


def decline(world: World, request: Request, actor: Person) -> None:
    _set_status(world, request, RequestStatus.DECLINED, actor)
    world.ledger.record("request.declined", id=request.id, by=actor.id)
    world.webhooks.emit(Notice.MEDIA_DECLINED, request.media, request=request)
    _forget_if_unwanted(world, request.media, bool(request.is4k))


def delete(world: World, request: Request, actor: Person) -> None:
    del world.requests[request.id]
    world.ledger.record("request.deleted", id=request.id, by=actor.id)
    _forget_if_unwanted(world, request.media, bool(request.is4k))


def fail(world: World, request: Request) -> None:
    """Radarr or Sonarr would not take it."""
    request.status, request.updated_at = RequestStatus.FAILED, world.clock()
    for season in request.seasons:
        season.status = RequestStatus.FAILED
    world.ledger.record("request.failed", id=request.id)
    world.webhooks.emit(Notice.MEDIA_FAILED, request.media, request=request)


def process(world: World, request: Request) -> None:
    """Radarr or Sonarr took it over."""
    media, is4k = request.media, bool(request.is4k)
    if request.id not in world.requests or request.status != RequestStatus.APPROVED:
        return
    for wanted in request.seasons:
        row = _season_row(world, media, wanted.number)
        if (row.status4k if is4k else row.status) == MediaStatus.UNKNOWN:
            _set_season(row, is4k, MediaStatus.PROCESSING)
    if media.state(is4k) in (MediaStatus.UNKNOWN, MediaStatus.PENDING, MediaStatus.DELETED):
        media.set_state(is4k, MediaStatus.PROCESSING)
    media.updated_at = world.clock()
    world.ledger.record("media.processing", tmdb=media.tmdb, request=request.id)
    await_arrival(world, request)


def await_arrival(world: World, request: Request) -> None:
    """Download it by itself, where that was asked for."""
    seconds = world.options.available_seconds
    if seconds > 0:
        request.media.begun_at, request.media.ends_at = time.time(), time.time() + seconds
        world.later(seconds, lambda: _arrive(world, request))


def resume(world: World) -> None:
    """Go on with what was under way when the simulator was stopped."""
    for request in list(world.requests.values()):
        state = request.media.state(bool(request.is4k))
        if request.status == RequestStatus.APPROVED and state == MediaStatus.PENDING:
            _send(world, request)
        elif request.status == RequestStatus.APPROVED and state != MediaStatus.AVAILABLE:
            await_arrival(world, request)


def available(world: World, media: Media, is4k: bool = False, seasons: Sequence[int] | None = None) -> None:
    """A scan found the title, or these of its seasons, on the media server."""
    now = world.clock()
    media.added_at, media.updated_at = media.added_at or now, now
    media.begun_at = media.ends_at = None
    wanted = {season.number for request in world.requests_of(media) for season in request.seasons}
    for number in sorted(wanted if seasons is None else set(seasons)):
        _set_season(_season_row(world, media, number), is4k, MediaStatus.AVAILABLE)
    whole = media.kind == "movie" or seasons is None or _all_there(world, media, is4k)
    before = media.state(is4k)
    media.set_state(is4k, MediaStatus.AVAILABLE if whole else MediaStatus.PARTIALLY_AVAILABLE)
    world.ledger.record("media.available", tmdb=media.tmdb, seasons=sorted(seasons or ()), whole=whole)
    for request in world.requests_of(media):
        if bool(request.is4k) is is4k and request.status in (RequestStatus.PENDING, RequestStatus.APPROVED):
            _complete(world, request, whole, before)


def remove(world: World, media: Media, is4k: bool = False) -> None:
    """Someone deleted the files."""
    gone = MediaStatus.DELETED if world.options.seerr else MediaStatus.UNKNOWN
    media.set_state(is4k, gone)
    for row in media.seasons:
        _set_season(row, is4k, gone)
    media.updated_at = world.clock()


def _complete(world: World, request: Request, whole: bool, before: int) -> None:
    is4k = bool(request.is4k)
    rows = [request.media.season(season.number) for season in request.seasons]
    there = [
        row is not None and (row.status4k if is4k else row.status) == MediaStatus.AVAILABLE for row in rows
    ]
    done = all(there) if rows else whole
    if world.options.seerr:
        for season, is_there in zip(request.seasons, there, strict=True):
            season.status = RequestStatus.COMPLETED if is_there else season.status
        if done:
            request.status, request.updated_at = RequestStatus.COMPLETED, world.clock()
    elif request.status == RequestStatus.PENDING and done:
        request.status, request.updated_at = RequestStatus.APPROVED, world.clock()
    if done and before != MediaStatus.AVAILABLE:
        world.webhooks.emit(Notice.MEDIA_AVAILABLE, request.media, request=request)


def _arrive(world: World, request: Request) -> None:
    """Series come season by season."""
    media, is4k = request.media, bool(request.is4k)
    if request.id not in world.requests or request.status != RequestStatus.APPROVED:
        return
    missing = [
        season.number
        for season in request.seasons
        if (row := media.season(season.number)) is not None
        and (row.status4k if is4k else row.status) != MediaStatus.AVAILABLE
    ]
    if not request.seasons:
        available(world, media, is4k)
    elif missing:
        available(world, media, is4k, missing[:1])
        if missing[1:]:
            await_arrival(world, request)


def _owner(world: World, body: Mapping[str, Any], actor: Person) -> Person:
    if not body.get("userId"):
        return actor
    if not actor.may(P.MANAGE_USERS, P.MANAGE_REQUESTS, both=True):
        raise Refusal(403, "You do not have permission to modify the request user.")
    owner = world.people.get(body["userId"])
    if owner is None:
        raise Refusal(500, 'Could not find any entity of type "User" matching')
    return owner


def _known(world: World, kind: str, tmdb: int) -> Work:
    work = world.work(kind, tmdb)
    if work is None:
        what, code = ("movie" if kind == "movie" else "TV show"), 503 if world.options.tmdb_down else 404
        raise Refusal(500, f"[TMDB] Failed to fetch {what} details: Request failed with status code {code}")
    return work


def _refuse_second(world: World, media: Media | None, is4k: bool | None) -> None:
    gone = (
        {RequestStatus.DECLINED, RequestStatus.COMPLETED} if world.options.seerr else {RequestStatus.DECLINED}
    )
    rows = world.requests_of(media) if media is not None else []
    # Left out, is4k equals neither true nor false: the duplicate is not seen.
    if any(row.is4k is is4k and row.status not in gone for row in rows):
        raise Refusal(409, "Request for this media already exists.")


def _seasons(
    world: World, work: Work, media: Media | None, body: Mapping[str, Any], is4k: bool | None
) -> list[int]:
    wanted = body.get("seasons")
    if wanted is None:
        raise Refusal(500, "Cannot read properties of undefined (reading 'filter')")
    if wanted == "all":
        lowest = 1 if world.options.seerr else 0
        wanted = [number for number, _ in work.seasons() if number >= lowest]
    taken: set[int] = set()
    if media is not None:
        gone = (
            {RequestStatus.DECLINED, RequestStatus.COMPLETED}
            if world.options.seerr
            else {RequestStatus.DECLINED}
        )
        for row in world.requests_of(media):
            if row.is4k is is4k and row.status not in gone:
                taken |= {s.number for s in row.seasons if s.status not in gone}
        free = (MediaStatus.UNKNOWN, MediaStatus.DELETED)
        taken |= {s.number for s in media.seasons if (s.status4k if is4k else s.status) not in free}
    left = [number for number in wanted if number not in taken]
    if not left:
        raise Refusal(202, "No seasons available to request")
    return left


def _insert(
    world: World, work: Work, body: Mapping[str, Any], owner: Person, actor: Person, seasons: Sequence[int]
) -> Request:
    is4k, now, media = bool(body.get("is4k")), world.clock(), world.media_of(work)
    if media.state(is4k) in (MediaStatus.UNKNOWN, MediaStatus.DELETED):
        media.set_state(is4k, MediaStatus.PENDING)
    automatic = actor.may(
        P.AUTO_APPROVE_4K if is4k else P.AUTO_APPROVE,
        {
            ("movie", False): P.AUTO_APPROVE_MOVIE,
            ("movie", True): P.AUTO_APPROVE_4K_MOVIE,
            ("tv", False): P.AUTO_APPROVE_TV,
            ("tv", True): P.AUTO_APPROVE_4K_TV,
        }[work.kind, is4k],
        P.MANAGE_REQUESTS,
    )
    status = RequestStatus.APPROVED if automatic else RequestStatus.PENDING
    request = Request(
        next(world.ids),
        media,
        owner.id,
        status,
        now,
        now,
        is4k=is4k,
        modified_by=actor.id if automatic else None,
        server=body.get("serverId"),
        profile=body.get("profileId"),
        folder=body.get("rootFolder"),
        tags=body.get("tags"),
        seasons=[RequestedSeason(next(world.ids), number, status, now) for number in seasons],
    )
    world.requests[request.id] = request
    world.ledger.record(
        "request.created",
        id=request.id,
        media_type=work.kind,
        tmdb=work.tmdb,
        is4k=body.get("is4k"),
        seasons=list(seasons),
        user=owner.id,
        by=actor.id,
        status=int(status),
        profile=request.profile,
        folder=request.folder,
    )
    world.webhooks.emit(
        Notice.MEDIA_AUTO_APPROVED if automatic else Notice.MEDIA_PENDING, media, request=request
    )
    if automatic:
        _send(world, request)
    return request


def _send(world: World, request: Request) -> None:
    if world.options.servers:
        world.later(world.options.process_seconds, lambda: process(world, request))


def _set_status(world: World, request: Request, status: RequestStatus, actor: Person) -> None:
    request.status, request.modified_by, request.updated_at = status, actor.id, world.clock()
    for season in request.seasons:
        season.status = status


def _forget_if_unwanted(world: World, media: Media, is4k: bool) -> None:
    wanted = [row for row in world.requests_of(media) if bool(row.is4k) is is4k and row.live]
    if not wanted and media.state(is4k) in (MediaStatus.PENDING, MediaStatus.PROCESSING):
        media.set_state(is4k, MediaStatus.UNKNOWN)
        for row in media.seasons:
            if (row.status4k if is4k else row.status) == MediaStatus.PROCESSING:
                _set_season(row, is4k, MediaStatus.UNKNOWN)
        media.updated_at = world.clock()


def _season_row(world: World, media: Media, number: int) -> SeasonRow:
    row = media.season(number)
    if row is None:
        row = SeasonRow(next(world.ids), number)
        media.seasons.append(row)
    return row


def _set_season(row: SeasonRow, is4k: bool, status: MediaStatus) -> None:
    if is4k:
        row.status4k = status
    else:
        row.status = status


def _all_there(world: World, media: Media, is4k: bool) -> bool:
    rows = {row.number: row.status4k if is4k else row.status for row in media.seasons}
    numbers = [number for number, _ in world.title(media).seasons() if number > 0]
    return all(rows.get(number) == MediaStatus.AVAILABLE for number in numbers)


def _used(world: World, person: Person, kind: str, days: int | None) -> int:
    since = world.clock() - (days or 0) * DAY if days else 0.0
    rows = [
        row
        for row in world.requests.values()
        if row.owner == person.id and row.live and row.media.kind == kind and row.created_at >= since
    ]
    return sum(len(row.seasons) for row in rows) if kind == "tv" else len(rows)


def _quota(used: int, limit: int | None, days: int | None) -> dict[str, Any]:
    if not limit:
        return {"used": used, "restricted": False}
    remaining = max(0, limit - used)
    return {"days": days, "limit": limit, "used": used, "remaining": remaining, "restricted": remaining <= 0}
