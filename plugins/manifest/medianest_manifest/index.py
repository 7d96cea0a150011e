"""A manifest as an index over its bytes: which records there are, and a digest of each, without decoding any.

The bytes lie in a temporary file that is mapped into memory, so that a list of 100,000 films costs half a kilobyte for each of them.
Entries of shows and seasons leave out what is below them: a new episode does not change its show's digest, only its counts.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import msgspec
import xxhash

from medianest_core.sdk import EPISODE, MOVIE, N_, SEASON, SHOW, InvalidResponse
from medianest_manifest import models
from medianest_manifest.models import EPISODES, SEASONS, VERSION, Members
from medianest_manifest.names import key
from medianest_manifest.technical import moment

_BRACE = ord("{")
_NEITHER = frozenset({SEASONS, EPISODES})


class Shared(msgspec.Struct, frozen=True):
    """What a season says of the files of its episodes. lengths: file → milliseconds. dimensions: file → "WxH"."""

    lengths: Mapping[str, Any]
    dimensions: Mapping[str, Any]


class Entry(msgspec.Struct, frozen=True):
    """One title of a manifest.

    digest: of its bytes. folders: the names that lead to it. body: its JSON, or its members where those below it are left
    out. children, leaves: how many seasons and episodes are below. shared: for episodes.
    """

    key: str
    kind: str
    digest: int
    folders: tuple[str, ...]
    body: msgspec.Raw | Members
    parent: str | None = None
    children: int = 0
    leaves: int = 0
    oldest: float | None = None
    newest: float | None = None
    shared: Shared | None = None

    def decoded(self) -> Mapping[str, Any]:
        """The entry's JSON. Raises InvalidResponse."""
        if isinstance(self.body, dict):
            return {name: _value(raw) for name, raw in self.body.items()}
        return models.entry(self.body)

    def member(self, *path: str) -> str | None:
        """One text of the entry, without decoding the others."""
        found: Any = self.body
        for name in path:
            if not isinstance(found, dict):
                found = models.members(found)
            found = found.get(name)
            if found is None:
                return None
        return models.text(_value(found))


class Index:
    """The entries of one manifest in its order, parents before children. version: as the manifest says."""

    def __init__(self, entries: dict[str, Entry], version: float | None) -> None:
        self._entries = entries
        self.version = version

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def get(self, key: str) -> Entry | None:
        return self._entries.get(key)

    def count(self, kind: str) -> int:
        return sum(one.kind == kind for one in self)


def read(file: IO[bytes], kind: str) -> Index:
    """The index of the manifest in `file`, of films ("movie") or series ("show"). Takes time. Raises InvalidResponse."""
    file.flush()
    try:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError as error:  # An empty file cannot be mapped.
        raise InvalidResponse(N_("The manifest is empty.")) from error
    try:
        top = msgspec.json.decode(memoryview(mapped), type=Members)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidResponse(N_("The manifest is not a JSON object.")) from error
    version = None
    if VERSION in top and not _is_object(top[VERSION]):
        version = models.number(_value(top.pop(VERSION)))
    entries: dict[str, Entry] = {}
    for folder, raw in top.items():
        # Those that are no objects are notes of the server's own.
        if not _is_object(raw):
            continue
        if kind == MOVIE:
            found = Entry(
                key(MOVIE, folder), MOVIE, xxhash.xxh3_64_intdigest(memoryview(raw)), (folder,), raw
            )
            entries[found.key] = found
        else:
            for found in _show(folder, raw):
                entries[found.key] = found
    return Index(entries, version)


def _show(folder: str, raw: msgspec.Raw) -> Iterator[Entry]:
    said = models.members(raw)
    seasons = _objects(said.get(SEASONS))
    own = key(SHOW, folder)
    below = [one for name, season in seasons.items() for one in _season(own, folder, name, season)]
    yield _parent(Entry(own, SHOW, 0, (folder,), said, children=len(seasons)), below)
    yield from below


def _season(show: str, folder: str, name: str, raw: msgspec.Raw) -> list[Entry]:
    said = models.members(raw)
    own = key(SEASON, folder, name)
    shared = Shared(models.table(_value(said.get("lengths"))), models.table(_value(said.get("dimensions"))))
    below = [_episode(own, folder, name, *pair, shared) for pair in _objects(said.get(EPISODES)).items()]
    return [_parent(Entry(own, SEASON, 0, (folder, name), said, show, len(below)), below), *below]


def _episode(
    season: str, folder: str, season_name: str, name: str, raw: msgspec.Raw, shared: Shared
) -> Entry:
    said = models.members(raw)
    file = models.text(_value(said.get("filename"))) or ""
    seed = f"{shared.lengths.get(file)}|{shared.dimensions.get(file)}"
    digest = xxhash.xxh3_64_intdigest(memoryview(raw), seed=xxhash.xxh3_64_intdigest(seed.encode()))
    folders = (folder, season_name, name)
    came = moment(_value(said.get("mediaLastModified")))
    return Entry(key(EPISODE, *folders), EPISODE, digest, folders, raw, season, 0, 1, came, came, shared)


def _parent(entry: Entry, below: Sequence[Entry]) -> Entry:
    """The entry without the members that are below it, and with what they come to."""
    assert isinstance(entry.body, dict)
    kept = {name: raw for name, raw in sorted(entry.body.items()) if name not in _NEITHER}
    leaves = sum(one.kind == EPISODE for one in below)
    oldest = min((one.oldest for one in below if one.oldest is not None), default=None)
    newest = max((one.newest for one in below if one.newest is not None), default=None)
    state = xxhash.xxh3_64(f"{entry.children}|{leaves}|{oldest}|{newest}".encode())
    for name, raw in kept.items():
        state.update(name.encode())
        state.update(memoryview(raw))
    return msgspec.structs.replace(
        entry, digest=state.intdigest(), body=kept, leaves=leaves, oldest=oldest, newest=newest
    )


def _objects(raw: msgspec.Raw | None) -> Members:
    """The members of an object that are objects themselves; none for anything else."""
    if raw is None or not _is_object(raw):
        return {}
    return {name: one for name, one in models.members(raw).items() if _is_object(one)}


def _is_object(raw: msgspec.Raw) -> bool:
    return memoryview(raw)[0] == _BRACE


def _value(raw: msgspec.Raw | None) -> Any:
    return None if raw is None else msgspec.json.decode(raw)
