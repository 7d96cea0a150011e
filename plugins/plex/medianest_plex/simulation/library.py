"""What the simulated Plex Media Server knows: libraries, items, collections, and how they change."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

TYPE_NUMBERS = {"movie": 1, "show": 2, "season": 3, "episode": 4, "collection": 18}
TYPE_NAMES = {number: name for name, number in TYPE_NUMBERS.items()}


@dataclass(frozen=True, slots=True)
class Shape:
    """The technical form of a file, shared by many items. `bitrate` is kbit/s; `captions` are (language code, forced)."""

    resolution: str
    width: int
    height: int
    video_codec: str
    bitrate: int
    container: str
    audio_codec: str
    channels: int
    hdr: str | None = None
    audio: tuple[str, ...] = ("eng",)
    captions: tuple[tuple[str, bool], ...] = ()


@dataclass(slots=True)
class Item:
    """One entry of a library. Times are epoch seconds, `duration` is milliseconds."""

    key: int
    type: str
    section: int
    title: str
    added_at: int
    updated_at: int
    title_sort: str = ""
    original_title: str | None = None
    summary: str = ""
    tagline: str = ""
    year: int | None = None
    available_at: str | None = None
    content_rating: str | None = None
    rating: float | None = None
    audience_rating: float | None = None
    duration: int | None = None
    studio: str | None = None
    genres: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    cast: tuple[tuple[str, str], ...] = ()
    countries: tuple[str, ...] = ()
    guids: tuple[str, ...] = ()
    shape: Shape | None = None
    file: str | None = None
    file_size: int = 0
    index: int | None = None
    parent: int | None = None
    view_count: int = 0
    view_offset: int = 0
    last_viewed_at: int | None = None
    smart: bool = False
    subtype: str | None = None
    mode: int = -1
    sort_mode: int = 0
    unknown: bool = False
    json: tuple[bytes, bytes] | None = field(default=None, repr=False)
    xml: tuple[str, str, str] | None = field(default=None, repr=False)

    @property
    def guid(self) -> str:
        """Plex's own identifier, the same for the same key. What no agent knows, such as one's own videos, has a local one."""
        if self.unknown:
            return f"local://{self.key}"
        return f"plex://{self.type}/{hashlib.md5(str(self.key).encode(), usedforsecurity=False).hexdigest()[:24]}"

    def changed(self) -> None:
        """Forget the encoded forms."""
        self.json = None
        self.xml = None


EDITABLE = {f.name for f in fields(Item)} - {"key", "type", "section", "json", "xml", "shape", "parent"}


@dataclass
class Section:
    """One library. `keys` are its top-level items; times are epoch seconds."""

    key: int
    type: str
    title: str
    location: str
    agent: str
    scanner: str
    uuid: str
    created_at: int
    updated_at: int
    refreshing: bool = False
    keys: list[int] = field(default_factory=list)


class Library:
    """All sections and items. `version` grows with every change, for caches of listings."""

    def __init__(self) -> None:
        self.sections: dict[int, Section] = {}
        self.items: dict[int, Item] = {}
        self.children: dict[int, list[int]] = {}
        self.version = 0
        self._next_key = 1001

    def take_keys(self, count: int = 1) -> int:
        """Reserve `count` following rating keys; returns the first."""
        first = self._next_key
        self._next_key += count
        return first

    def add(self, item: Item) -> Item:
        """Put one item in; top-level items join their section, others their parent."""
        self.items[item.key] = item
        if item.type == "collection":
            self.children[item.key] = []
        elif item.parent is None:
            self.sections[item.section].keys.append(item.key)
        else:
            self.children.setdefault(item.parent, []).append(item.key)
        self.touch(item)
        return item

    def edit(self, item: Item, values: dict[str, object]) -> None:
        """Set attributes and move `updated_at` on, so that a client that compares it sees a change."""
        unknown = set(values) - EDITABLE
        if unknown:
            raise ValueError(
                f"cannot edit {', '.join(sorted(unknown))}; one of {', '.join(sorted(EDITABLE))}"
            )
        for name, value in values.items():
            setattr(item, name, tuple(value) if isinstance(value, list) else value)
        if "updated_at" not in values:
            item.updated_at = max(int(time.time()), item.updated_at + 1)
        self.touch(item)

    def touch(self, item: Item) -> None:
        """Note that `item` looks different now, to itself and to those above it."""
        item.changed()
        above = item.parent
        while above is not None and (parent := self.items.get(above)) is not None:
            parent.changed()
            above = parent.parent
        self.version += 1

    def remove(self, item: Item) -> list[int]:
        """Take an item out with all below it, also out of collections; returns the keys that went."""
        gone = [item.key]
        self.touch(item)
        if item.type == "collection":
            self.children.pop(item.key, None)
        else:
            for child in list(self.children.pop(item.key, ())):
                gone.extend(self.remove(self.items[child]))
            if item.parent is None:
                self.sections[item.section].keys.remove(item.key)
            elif item.parent in self.children:
                self.children[item.parent].remove(item.key)
            for collection in self.collections():
                if item.key in self.children[collection.key]:
                    self.children[collection.key].remove(item.key)
                    self.touch(collection)
        del self.items[item.key]
        self.version += 1
        return gone

    def below(self, item: Item) -> list[Item]:
        """Direct children in order: seasons of a show, episodes of a season, members of a collection."""
        return [self.items[key] for key in self.children.get(item.key, ())]

    def leaves(self, item: Item) -> list[Item]:
        """All episodes of a show or season, else the item itself."""
        if item.type not in ("show", "season"):
            return [item]
        return [leaf for child in self.below(item) for leaf in self.leaves(child)]

    def collections(self, section: int | None = None) -> list[Item]:
        """All collections, or those of one section, oldest first."""
        return [i for i in self.items.values() if i.type == "collection" and section in (None, i.section)]

    def of_type(self, section: Section, kind: str) -> Iterable[Item]:
        """All items of one type in a section."""
        if kind == "collection":
            yield from self.collections(section.key)
            return
        for key in section.keys:
            item = self.items[key]
            if item.type == kind:
                yield item
            elif item.type == "show" and kind == "season":
                yield from self.below(item)
            elif item.type == "show" and kind == "episode":
                yield from self.leaves(item)
