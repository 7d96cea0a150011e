"""Rows of the simulated Seerr's database. Times are epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from medianest_overseerr.simulation.constants import IssueStatus, MediaStatus, RequestStatus


@dataclass
class SeasonRow:
    """A season of a series that the household has or wants."""

    id: int
    number: int
    status: int = MediaStatus.UNKNOWN
    status4k: int = MediaStatus.UNKNOWN


@dataclass
class Media:
    """A title that was asked for, or that the media server has. kind: "movie" or "tv". begun_at, ends_at: of the download, while there is one."""

    id: int
    kind: str
    tmdb: int
    tvdb: int | None
    imdb: str | None
    created_at: float
    updated_at: float
    status: int = MediaStatus.UNKNOWN
    status4k: int = MediaStatus.UNKNOWN
    added_at: float | None = None
    begun_at: float | None = None
    ends_at: float | None = None
    seasons: list[SeasonRow] = field(default_factory=list)

    def state(self, is4k: bool) -> int:
        return self.status4k if is4k else self.status

    def set_state(self, is4k: bool, status: int) -> None:
        if is4k:
            self.status4k = status
        else:
            self.status = status

    def season(self, number: int) -> SeasonRow | None:
        return next((row for row in self.seasons if row.number == number), None)


@dataclass
class RequestedSeason:
    id: int
    number: int
    status: int
    created_at: float


@dataclass
class Request:
    """is4k None: the client left it out, which Seerr stores as false and compares with nothing."""

    id: int
    media: Media
    owner: int
    status: int
    created_at: float
    updated_at: float
    is4k: bool | None = False
    modified_by: int | None = None
    server: int | None = None
    profile: int | None = None
    folder: str | None = None
    tags: list[int] | None = None
    seasons: list[RequestedSeason] = field(default_factory=list)

    @property
    def live(self) -> bool:
        return self.status != RequestStatus.DECLINED


@dataclass
class Comment:
    id: int
    author: int
    message: str
    created_at: float


@dataclass
class IssueRow:
    id: int
    type: int
    media: Media
    author: int
    created_at: float
    updated_at: float
    season: int = 0
    episode: int = 0
    status: int = IssueStatus.OPEN
    modified_by: int | None = None
    comments: list[Comment] = field(default_factory=list)
