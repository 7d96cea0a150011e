"""A household that has used its Seerr for a while: what it owns, and requests in every state."""

from __future__ import annotations

from medianest_overseerr.simulation import flow
from medianest_overseerr.simulation.constants import IssueType, MediaStatus
from medianest_overseerr.simulation.records import Comment, IssueRow, SeasonRow
from medianest_overseerr.simulation.titles import Work
from medianest_overseerr.simulation.world import World

HOUR = 3600.0


def settle(world: World) -> None:
    """Fill an empty world. What the simulated media servers have is available here too."""
    now = world.clock()
    for work in world.titles.all():
        if work.owned:
            _own(world, work, now - 400 * HOUR)
    films = [work for work in world.titles.all("movie") if not work.owned]
    shows = [work for work in world.titles.all("tv") if not work.owned and work.facts.seasons > 1]
    casey, jordan, owner = world.people.everyone[1], world.people.everyone[2], world.owner
    # What is told here stays as it is told; only what is asked for from now on moves by itself.
    process, available = world.options.process_seconds, world.options.available_seconds
    world.options.process_seconds, world.options.available_seconds = 1e6, 0.0
    begun = iter(range(60, 0, -5))

    def ask(work: Work, person: int, seasons: list[int] | None = None) -> int:
        body = {"mediaType": work.kind, "mediaId": work.tmdb, "is4k": False, "userId": person}
        row = flow.create(world, body | ({"seasons": seasons} if seasons else {}), owner)
        row.created_at = row.updated_at = now - next(begun) * HOUR
        return row.id

    if len(films) >= 6 and shows:
        waiting = flow.create(world, {"mediaType": "movie", "mediaId": films[-1].tmdb, "is4k": False}, casey)
        waiting.created_at = waiting.updated_at = now - HOUR
        flow.process(world, world.requests[ask(films[-2], casey.id)])
        flow.available(world, world.requests[ask(films[-3], casey.id)].media)
        flow.decline(world, world.requests[ask(films[-4], jordan.id)], owner)
        flow.fail(world, world.requests[ask(films[-5], jordan.id)])
        part = world.requests[ask(shows[-1], casey.id, [n for n, _ in shows[-1].seasons() if n][:2])]
        flow.process(world, part)
        flow.available(world, part.media, seasons=[1])
    world.options.process_seconds, world.options.available_seconds = process, available
    _complain(world, now)


def _own(world: World, work: Work, at: float) -> None:
    media = world.media_of(work)
    media.status, media.created_at, media.updated_at, media.added_at = MediaStatus.AVAILABLE, at, at, at
    media.seasons = [
        SeasonRow(next(world.ids), number, MediaStatus.AVAILABLE)
        for number, _ in work.seasons()
        if number and work.kind == "tv"
    ]


def _complain(world: World, now: float) -> None:
    media = next(
        (row for row in world.media.values() if row.kind == "movie" and row.status == MediaStatus.AVAILABLE),
        None,
    )
    if media is None:
        return
    row = IssueRow(next(world.ids), IssueType.SUBTITLES, media, 2, now - 5 * HOUR, now - 5 * HOUR)
    row.comments.append(Comment(next(world.ids), 2, "The subtitles run two seconds late.", now - 5 * HOUR))
    world.issues[row.id] = row
