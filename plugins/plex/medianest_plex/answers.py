"""Reads the entries of listings, and remembers what the same bytes held.

A library in which nothing happened answers with the bytes of the time before. What is kept of an answer is the keys and digests of
its entries, packed: some twenty bytes a title, never the answer itself.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import xxhash

from medianest_plex import models
from medianest_plex.digest import digest
from medianest_plex.listing import Entry, Listed
from medianest_plex.transport import SERVER, parsed

MOST = 1000
"""Answers that are remembered: a million titles, a page each thousand."""
_WORTH_IT = 50
"""Entries from which on an answer is remembered."""
_DIGITS = 16
_BETWEEN = "\0"


@dataclass(frozen=True, slots=True)
class _Note:
    """What an answer held. keys: with `_BETWEEN` between them. types: of all, or of each."""

    keys: str
    types: tuple[str, ...]
    digests: bytes
    total: int | None


class _Unread:
    """An answer whose items are cut out once one of them is wanted."""

    __slots__ = ("_content", "_items")

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._items: Sequence[msgspec.Raw] | None = None

    def item(self, at: int) -> bytes:
        if self._items is None:
            self._items = parsed(self._content, models.listing, SERVER).MediaContainer.Metadata
        return bytes(self._items[at])


class Answers:
    """Of one server. most: answers that are remembered; those that were not seen for longest are forgotten."""

    def __init__(self, most: int = MOST) -> None:
        self._notes: OrderedDict[bytes, _Note] = OrderedDict()
        self._most = most

    def read(self, content: bytes) -> Listed:
        """What the answer lists. Raises InvalidResponse."""
        mark = xxhash.xxh3_128_digest(content)
        note = self._notes.get(mark)
        if note is not None:
            self._notes.move_to_end(mark)
            return Listed(_recalled(note, content), note.total)
        container = parsed(content, models.listing, SERVER).MediaContainer
        heads = parsed(content, models.labels, SERVER).MediaContainer.Metadata
        listed = Listed(entries(container.Metadata, heads), models.whole(container.totalSize))
        if len(listed.entries) >= _WORTH_IT:
            self._remember(mark, listed)
        return listed

    def _remember(self, mark: bytes, listed: Listed) -> None:
        keys = [entry.key for entry in listed.entries]
        if any(_BETWEEN in key for key in keys):
            return
        types = tuple([entry.type for entry in listed.entries])
        self._notes[mark] = _Note(
            _BETWEEN.join(keys),
            types[:1] if len(set(types)) == 1 else types,
            bytes.fromhex("".join([entry.digest for entry in listed.entries])),
            listed.total,
        )
        while len(self._notes) > self._most:
            self._notes.popitem(last=False)


def _recalled(note: _Note, content: bytes) -> list[Entry]:
    keys = note.keys.split(_BETWEEN)
    types = note.types * len(keys) if len(note.types) == 1 else note.types
    digits = note.digests.hex()
    digests = [digits[at : at + _DIGITS] for at in range(0, len(digits), _DIGITS)]
    item = _Unread(content).item
    return [
        Entry(key, kind, item, of_it, at)
        for at, (key, kind, of_it) in enumerate(zip(keys, types, digests, strict=True))
    ]


def entries(raws: Sequence[msgspec.Raw], heads: Sequence[models.Label] | None = None) -> list[Entry]:
    """Entries of the slices of one answer. heads: their labels, where they were read in one go."""
    if heads is None:
        heads = [parsed(bytes(raw), models.label, SERVER) for raw in raws]
    found: list[Entry] = []
    for raw, head in zip(raws, heads, strict=True):
        content = bytes(raw)
        found.append(Entry(str(head.rating_key), head.type, content, digest(content, head.watched)))
    return found
