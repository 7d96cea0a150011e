"""Wire formats of the Plex Media Server, read tolerantly: unknown members are skipped, scalars may be of any type.

Items of a listing are kept as slices of the answer's bytes; only key and kind are looked at until someone asks for more.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from medianest_core.sdk import EPISODE, MOVIE, SEASON, SHOW

TYPE_NUMBERS = {MOVIE: 1, SHOW: 2, SEASON: 3, EPISODE: 4}


class Section(msgspec.Struct):
    key: str
    type: str
    title: str = ""
    Location: list[dict[str, Any]] = []
    uuid: str = ""

    @property
    def paths(self) -> list[str]:
        return [str(place["path"]) for place in self.Location if place.get("path")]


class SectionList(msgspec.Struct):
    Directory: list[Section] = []


class Sections(msgspec.Struct):
    MediaContainer: SectionList


class ServerFacts(msgspec.Struct, rename="camel"):
    """What `/identity` and `/` say of the server."""

    machine_identifier: str = ""
    version: str = ""
    claimed: bool | None = None
    friendly_name: str = ""
    platform: str = ""
    my_plex_username: str = ""


class Facts(msgspec.Struct):
    MediaContainer: ServerFacts


class Label(msgspec.Struct, rename="camel", gc=False):
    """The little that is read of every item of a listing: what it is, and whether it tells what its owner watched."""

    rating_key: str | int
    type: str = ""
    view_count: Any = None
    last_viewed_at: Any = None
    view_offset: Any = None
    viewed_leaf_count: Any = None
    skip_count: Any = None
    last_rated_at: Any = None
    user_rating: Any = None

    @property
    def watched(self) -> bool:
        return not (
            self.view_count is None
            and self.last_viewed_at is None
            and self.view_offset is None
            and self.viewed_leaf_count is None
            and self.skip_count is None
            and self.last_rated_at is None
            and self.user_rating is None
        )


class RawList(msgspec.Struct):
    """A listing. `size`: of this answer, `totalSize`: of all; servers may leave both out."""

    Metadata: list[msgspec.Raw] = []
    size: Any = None
    totalSize: Any = None
    librarySectionID: Any = None


class RawListing(msgspec.Struct):
    MediaContainer: RawList


class LabelList(msgspec.Struct):
    """The same listing, read for its labels only."""

    Metadata: list[Label] = []


class LabelListing(msgspec.Struct):
    MediaContainer: LabelList


class HubEntry(msgspec.Struct):
    type: str = ""
    Metadata: list[msgspec.Raw] = []


class HubList(msgspec.Struct):
    Hub: list[HubEntry] = []


class Hubs(msgspec.Struct):
    MediaContainer: HubList


class Tag(msgspec.Struct, gc=False):
    tag: str = ""
    role: str | None = None
    thumb: str | None = None
    id: Any = None


class Stream(msgspec.Struct, rename="camel", gc=False):
    stream_type: Any = 0
    codec: str | None = None
    format: str | None = None
    key: str | None = None
    title: str | None = None
    display_title: str | None = None
    extended_display_title: str | None = None
    language_tag: str | None = None
    language_code: str | None = None
    forced: Any = False
    selected: Any = False
    default: Any = False
    profile: str | None = None
    bitrate: Any = None
    channels: Any = None
    bit_depth: Any = None
    color_space: str | None = None
    color_trc: str | None = None
    color_primaries: str | None = None
    frame_rate: Any = None
    dovi_present: Any = msgspec.field(default=False, name="DOVIPresent")
    dovi_profile: Any = msgspec.field(default=None, name="DOVIProfile")


class Part(msgspec.Struct, gc=False):
    file: str | None = None
    size: Any = None
    duration: Any = None
    Stream: list[Stream] = []


class Media(msgspec.Struct, rename="camel", gc=False):
    container: str | None = None
    bitrate: Any = None
    width: Any = None
    height: Any = None
    video_resolution: Any = None
    video_codec: str | None = None
    video_profile: str | None = None
    video_frame_rate: Any = None
    audio_codec: str | None = None
    audio_profile: str | None = None
    audio_channels: Any = None
    parts: list[Part] = msgspec.field(default_factory=list, name="Part")


class Artwork(msgspec.Struct, gc=False):
    type: str = ""
    url: str = ""


class Chapter(msgspec.Struct, rename="camel", gc=False):
    """Offsets in milliseconds."""

    tag: str = ""
    start_time_offset: Any = None
    end_time_offset: Any = None
    thumb: str | None = None


class Item(msgspec.Struct, rename="camel", gc=False):
    """A film, show, season, episode or collection, as lists and item pages give it."""

    rating_key: str | int
    type: str = ""
    title: str = ""
    guid: str = ""
    title_sort: str | None = None
    original_title: str | None = None
    summary: str | None = None
    tagline: str | None = None
    studio: str | None = None
    content_rating: str | None = None
    originally_available_at: str | None = None
    year: Any = None
    rating: Any = None
    audience_rating: Any = None
    duration: Any = None
    index: Any = None
    parent_index: Any = None
    added_at: Any = None
    updated_at: Any = None
    child_count: Any = None
    leaf_count: Any = None
    parent_rating_key: str | int | None = None
    grandparent_rating_key: str | int | None = None
    library_section_id: Any = msgspec.field(default=None, name="librarySectionID")
    thumb: str | None = None
    art: str | None = None
    parent_thumb: str | None = None
    grandparent_thumb: str | None = None
    grandparent_art: str | None = None
    smart: Any = False
    media: list[Media] = msgspec.field(default_factory=list, name="Media")
    guids: list[dict[str, Any]] = msgspec.field(default_factory=list, name="Guid")
    genres: list[Tag] = msgspec.field(default_factory=list, name="Genre")
    directors: list[Tag] = msgspec.field(default_factory=list, name="Director")
    writers: list[Tag] = msgspec.field(default_factory=list, name="Writer")
    cast: list[Tag] = msgspec.field(default_factory=list, name="Role")
    images: list[Artwork] = msgspec.field(default_factory=list, name="Image")
    chapters: list[Chapter] = msgspec.field(default_factory=list, name="Chapter")


class Placed(msgspec.Struct):
    """The little that is needed to find a file."""

    ratingKey: str | int
    Media: list[Media] = []


sections = msgspec.json.Decoder(Sections, strict=False).decode
facts = msgspec.json.Decoder(Facts, strict=False).decode
listing = msgspec.json.Decoder(RawListing).decode
hubs = msgspec.json.Decoder(Hubs).decode
label = msgspec.json.Decoder(Label, strict=False).decode
labels = msgspec.json.Decoder(LabelListing, strict=False).decode
item = msgspec.json.Decoder(Item, strict=False).decode
placed = msgspec.json.Decoder(Placed, strict=False).decode


def number(value: Any) -> float | None:
    """A finite number from a number or its text, else None."""
    if type(value) is int:
        return value
    if value is None or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def whole(value: Any) -> int | None:
    """A whole number from a number or its text, else None."""
    if type(value) is int or value is None:
        return value
    found = number(value)
    return None if found is None else int(found)


def flag(value: Any) -> bool:
    """True for true, 1 and "1"."""
    return value in (True, 1, "1", "true")
