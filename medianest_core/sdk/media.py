"""MediaSource: a server that holds media and lists what it has.

The core stores each record as the source said it and derives the library from all of them, so a source only reports; it
never writes titles. `records` hands over raw bytes with a digest and a lazy decoder: an unchanged record is never decoded.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medianest_core.sdk.capabilities import Capability, optional, unsupported
from medianest_core.sdk.service import C, Provider, S

MOVIE = "movie"
SHOW = "show"
SEASON = "season"
EPISODE = "episode"


class MediaCapability(Capability):
    CHANGES = "changes"
    WATCH = "watch"
    SEARCH = "search"
    RECENT = "recent"
    IMAGE = "image"
    DEEP_LINK = "deep_link"
    COLLECTIONS = "collections"
    RESCAN = "rescan"
    DETAILS = "details"


@dataclass(frozen=True, slots=True)
class Library:
    """A section of the server. kind: of its top-level titles. locations: folders as the server sees them."""

    key: str
    title: str
    kind: str
    locations: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class MediaRecord:
    """One title as one source describes it.

    key: the source's own id. kind: movie, show, season, episode or a contributed kind. ids: external ids by provider,
    e.g. {"imdb": "tt0133093", "tmdb": "603", "tvdb": "…"}. parent: key of the show of a season, of the season of an episode.
    index: season or episode number. fields: values by the names below; missing and None mean "does not say".

    Field names: title, sort_title, original_title, summary, tagline, year (int), released_on ("YYYY-MM-DD"), content_rating,
    rating and audience_rating (0–10), duration_ms, studio, genres, directors, writers (lists of str), cast
    ([{"name", "role", "image"?}]), captions ({language tag: {"format", "title", "external", "forced", "url"?, "changed_at"?,
    "auto_generated"?}}), media (see below), audio ([{"language", "codec", "channels", "title", "atmos"?}]), chapters
    ([{"title", "start_ms", "end_ms"?, "image"?}]), files ([{"path", "size", "duration_ms"}]), assets ({"poster", "backdrop",
    "logo", "thumb": image reference that `MediaSource.image` understands}), blurhash ({name of an asset: BlurHash of that
    picture}), child_count, leaf_count.
    media, each a fact of its own: "container", "bitrate_kbps", "width", "height", "resolution", "frame_rate"; "video_codec" ("h264",
    "hevc", "av1", …), "video_profile", "bit_depth", "color_space", "color_primaries", "color_transfer"; "hdr" (the best of
    "Dolby Vision", "HDR10+", "HDR10" and "HLG"), "hdr_formats" (all of them, best first), "dolby_vision_profile"; "enhanced_color",
    "high_dynamic_range", "dolby_vision", "hdr10_plus", "standard_hdr" (bool); "audio_codec", "audio_profile", "audio_channels",
    "atmos" (bool).
    added_at, updated_at: epoch seconds.
    """

    key: str
    kind: str
    title: str
    library: str
    year: int | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    parent: str | None = None
    index: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    added_at: float | None = None
    updated_at: float | None = None


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record not yet decoded. digest: short hex text of the raw bytes; equal digests mean equal records, so that a newer version of
    a plugin that reads more out of the same bytes gives other digests: what is stored is then read again, once."""

    key: str
    kind: str
    digest: str
    decode: Callable[[], MediaRecord]


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Some records of a listing. total: how many the listing has in all, where the source tells."""

    records: Sequence[RawRecord]
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """An image as the source sent it. media_type is what the source claims; the core sniffs for itself."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of titles on the server. smart: filled by a rule, so that items cannot be added by hand."""

    key: str
    title: str
    library: str
    count: int
    summary: str = ""
    image: str | None = None
    smart: bool = False


@dataclass(frozen=True, slots=True)
class MediaChange:
    """Something happened to a title. key None: look at everything that changed lately."""

    key: str | None
    removed: bool = False


@dataclass(frozen=True, slots=True)
class MediaChoice:
    """An instance that holds a title. key: the source's own id of it."""

    instance: str
    title: str
    plugin: str
    service: str
    key: str


class MediaSource(Provider[S, C]):
    @abstractmethod
    async def libraries(self) -> Sequence[Library]:
        """All sections whose kind the core can show."""

    @abstractmethod
    def records(self, library: Library) -> AsyncIterator[RecordPage]:
        """Everything in the library: for shows also seasons and episodes, parents before children.

        An async generator. Ending normally says "this was complete"; any exception says it was not.
        """

    @abstractmethod
    async def record(self, key: str) -> RawRecord | None:
        """One record now, or None where the source no longer has it."""

    @optional(MediaCapability.DETAILS)
    async def details(self, keys: Sequence[str]) -> Sequence[MediaRecord]:
        """Records with everything the source knows of them, for sources whose listings leave things out. At most 50 keys;
        those the source no longer has are left out. What a title is (key, kind, title, year, ids, parent, index) is taken
        from the listing all the same, but for the names of numbered episodes."""
        raise unsupported(self, MediaCapability.DETAILS)

    @optional(MediaCapability.CHANGES)
    def changes(self, library: Library, since: float) -> AsyncIterator[RecordPage]:
        """Records that changed since `since` (epoch seconds). Says nothing of removals."""
        raise unsupported(self, MediaCapability.CHANGES)

    @optional(MediaCapability.WATCH)
    def watch(self) -> AsyncIterator[MediaChange]:
        """Changes as they happen, for as long as the caller iterates."""
        raise unsupported(self, MediaCapability.WATCH)

    @optional(MediaCapability.SEARCH)
    async def search(self, text: str, limit: int) -> Sequence[RawRecord]:
        """What the server itself finds."""
        raise unsupported(self, MediaCapability.SEARCH)

    @optional(MediaCapability.RECENT)
    async def recent(self, limit: int) -> Sequence[RawRecord]:
        """Newest first."""
        raise unsupported(self, MediaCapability.RECENT)

    @optional(MediaCapability.IMAGE)
    async def image(self, reference: str, width: int, height: int) -> Image:
        """The image at about that size or larger (pixels); the core resizes and caches."""
        raise unsupported(self, MediaCapability.IMAGE)

    @optional(MediaCapability.DEEP_LINK)
    async def deep_link(self, key: str) -> str:
        """https address that opens the title in the service's own player."""
        raise unsupported(self, MediaCapability.DEEP_LINK)

    @optional(MediaCapability.COLLECTIONS)
    async def collections(self, library: str) -> Sequence[Collection]:
        """Collections of a library (key)."""
        raise unsupported(self, MediaCapability.COLLECTIONS)

    @optional(MediaCapability.COLLECTIONS)
    async def collection_items(self, collection: str) -> Sequence[str]:
        """Keys of the collection's titles, in its order."""
        raise unsupported(self, MediaCapability.COLLECTIONS)

    @optional(MediaCapability.COLLECTIONS)
    async def create_collection(self, library: str, title: str, keys: Sequence[str]) -> Collection:
        """Make a collection holding `keys`. Not idempotent: look for the title first."""
        raise unsupported(self, MediaCapability.COLLECTIONS)

    @optional(MediaCapability.COLLECTIONS)
    async def add_to_collection(self, collection: str, keys: Sequence[str]) -> None:
        """Add titles; adding one that is there changes nothing."""
        raise unsupported(self, MediaCapability.COLLECTIONS)

    @optional(MediaCapability.COLLECTIONS)
    async def remove_from_collection(self, collection: str, key: str) -> None:
        """Take one title out; removing one that is not there changes nothing."""
        raise unsupported(self, MediaCapability.COLLECTIONS)

    @optional(MediaCapability.RESCAN)
    async def rescan(self, library: str, path: str) -> None:
        """Ask the server to look at one folder (as the server sees it); returns before it has."""
        raise unsupported(self, MediaCapability.RESCAN)

    @optional(MediaCapability.RESCAN)
    async def locate(self, library: str, paths: Sequence[str]) -> Mapping[str, str]:
        """path → key of the titles whose file has that path (as the server sees it); missing ones are left out."""
        raise unsupported(self, MediaCapability.RESCAN)
