"""What a server lists beside what the library has of it: differences by category, counted, with examples. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medianest_core.domain.library.merge import GROUPS, differences, statements
from medianest_core.domain.library.records import decode
from medianest_core.domain.library.writing.membership import Incoming
from medianest_core.sdk.media import SEASON, SHOW, MediaRecord

MISSING = "missing"
NOT_READY = "not_ready"
EXTRA = "extra"
FIELDS = "fields"
PARENT = "parent"
DUPLICATE = "duplicate"
UNREADABLE = "unreadable"
CATEGORIES = (MISSING, NOT_READY, EXTRA, FIELDS, PARENT, DUPLICATE, UNREADABLE)
"""Listed but not in the library; listed without a file to play; in the library but no longer listed; other values than listed; under
another title than listed; one title listed twice; listed but not to be read."""
IDENTITY = "identity"
"""The group of what a record is, beside the groups of its fields."""
EXAMPLES = 50
"""Kept of each category and server."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as the library has it. title_id: None where its title is withheld. parent_id: of the title it is under. parent: key of the
    record it was said to be under. missing: how many complete listings in a row lacked it."""

    title_id: int | None
    parent_id: int | None
    parent: str | None
    library: str
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Example:
    """groups: of fields that differ. title_id: None where the library does not have it."""

    key: str
    title: str
    kind: str
    library: str
    title_id: int | None = None
    groups: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "title": self.title,
            "kind": self.kind,
            "library": self.library,
            "title_id": self.title_id,
            "groups": list(self.groups),
        }


@dataclass(slots=True)
class Findings:
    """Of one server. listed, affected: records. groups: of how many records fields of this group differ."""

    listed: int = 0
    affected: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Example]] = field(default_factory=lambda: defaultdict(list))
    groups: Counter[str] = field(default_factory=Counter)

    def note(self, categories: Sequence[str], example: Example) -> None:
        """One record, and everything that is found of it."""
        if not categories:
            return
        self.affected += 1
        for category in categories:
            self.counts[category] += 1
            if len(self.examples[category]) < EXAMPLES:
                self.examples[category].append(example)
        self.groups.update(example.groups)

    def as_json(self, stored: int) -> dict[str, Any]:
        """stored: how many records of this server the library has."""
        of = max(self.listed, stored)
        return {
            "listed": self.listed,
            "stored": stored,
            "affected": self.affected,
            "percent": percent(self.affected, of),
            "categories": {
                name: {
                    "count": self.counts[name],
                    "percent": percent(self.counts[name], of),
                    "examples": [one.as_json() for one in self.examples.get(name, ())],
                }
                for name in CATEGORIES
                if self.counts[name]
            },
            "groups": dict(sorted(self.groups.items(), key=lambda pair: (-pair[1], pair[0]))),
        }


def percent(part: int, of: int) -> float:
    """With one digit behind the point; 0 only where there is nothing."""
    if not part or not of:
        return 0.0
    return max(0.1, round(100 * min(part, of) / of, 1))


class Reader:
    """The listings of one server, held against its stored records by key."""

    def __init__(self, stored: Mapping[str, Stored]) -> None:
        self.findings = Findings()
        self.stored = stored
        self._seen: set[str] = set()
        self._several = {
            pair
            for pair, count in Counter((one.title_id, one.library) for one in stored.values()).items()
            if count > 1 and pair[0] is not None
        }
        self._waiting: dict[str, list[Example]] = defaultdict(list)
        self._silent: Counter[str] = Counter()
        self._telling: set[str] = set()

    def page(self, incoming: Sequence[Incoming], data: Mapping[str, bytes]) -> None:
        """Some records as they are listed now. data: key → bytes of those that are stored."""
        for one in incoming:
            self._record(one, data.get(one.record.key))

    def unreadable(self, keys: Sequence[str], library: str) -> None:
        for key in keys:
            self.findings.listed += 1
            self._seen.add(key)
            known = self.stored.get(key)
            title = known.title_id if known else None
            self.findings.note((UNREADABLE,), Example(key, key, "", library, title))

    def library_ends(self, library: str, *, complete: bool, titles: Mapping[str, str]) -> None:
        """The listing of this library is over. titles: key → name of its stored records, as far as they are wanted (see `absent`)."""
        if library in self._telling:
            # Others of the library have files, so these lack theirs. Where none has, the server does not speak of files.
            for example in self._waiting.pop(library, []):
                self.findings.note((NOT_READY,), example)
            if more := self._silent.pop(library, 0):
                self.findings.counts[NOT_READY] += more
                self.findings.affected += more
        if not complete:
            return
        for key in self.absent(library):
            one = self.stored[key]
            self.findings.note((EXTRA,), Example(key, titles.get(key, key), "", library, one.title_id))

    def absent(self, library: str) -> list[str]:
        """Keys of stored records of this library that no listing has named so far."""
        return [key for key, one in self.stored.items() if one.library == library and key not in self._seen]

    def _record(self, one: Incoming, data: bytes | None) -> None:
        record, known = one.record, self.stored.get(one.record.key)
        self.findings.listed += 1
        again = record.key in self._seen
        self._seen.add(record.key)
        found: list[str] = []
        groups: tuple[str, ...] = ()
        if known is None or data is None:
            found.append(MISSING)
        else:
            groups = groups_of(one.data, data)
            if groups:
                found.append(FIELDS)
            if self._misplaced(record, known):
                found.append(PARENT)
        if again or (known is not None and (known.title_id, known.library) in self._several):
            found.append(DUPLICATE)
        example = Example(
            record.key,
            record.title,
            record.kind,
            record.library,
            known.title_id if known else None,
            groups,
        )
        ready = has_file(record)
        if ready:
            self._telling.add(record.library)
        elif ready is False:
            found.append(NOT_READY)
        elif not found and record.kind not in (SHOW, SEASON):
            if len(self._waiting[record.library]) < EXAMPLES:
                self._waiting[record.library].append(example)
            else:
                self._silent[record.library] += 1
        self.findings.note(found, example)

    def _misplaced(self, record: MediaRecord, known: Stored) -> bool:
        if known.title_id is None:
            return False
        if not record.parent:
            return known.parent_id is not None
        above = self.stored.get(record.parent)
        return above is None or above.title_id != known.parent_id


def has_file(record: MediaRecord) -> bool | None:
    """Whether there is something to play; None where the record does not say, or is none that is played."""
    files = record.fields.get("files")
    if files is None or record.kind in (SHOW, SEASON):
        return None
    return any(one.get("path") or one.get("size") for one in files if isinstance(one, Mapping))


def groups_of(listed: bytes, stored: bytes) -> tuple[str, ...]:
    """The groups of fields in which two encoded records differ."""
    if listed == stored:
        return ()
    new, old = decode(listed), decode(stored)
    groups = {GROUPS.get(path[0], "other") for path in differences(statements(old), statements(new))}
    if (new.kind, new.parent, new.index, new.library) != (old.kind, old.parent, old.index, old.library):
        groups.add(IDENTITY)
    return tuple(sorted(groups))
