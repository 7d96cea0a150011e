"""A title's document: its merged values, where each comes from, and which servers hold it. One per title, as JSON bytes.

Provenance is compact: one instance for all values, and exceptions by path. With one source there are none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from medianest_core.base.kept_json import kept_json
from medianest_core.domain.library.merge import BY_LEAF, LOCK, Merged, Path
from medianest_core.domain.library.records import SourceRecord


class Holding(NamedTuple):
    """A server that has the title, in the order in which the document keeps it. size: bytes of all its files. media: the facts of
    `MediaRecord.fields["media"]`."""

    instance_id: str
    library: str
    key: str
    added_at: float | None
    size: int
    files: int
    media: Mapping[str, Any]
    captions: Sequence[str]
    leaf_count: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    values: Mapping[str, Any]
    source: str
    exceptions: Mapping[Path, str]
    holdings: Sequence[Holding]

    def source_of(self, *path: str) -> str | None:
        """The instance a value comes from, `LOCK`, or None where there is no such value."""
        present: Any = self.values
        for part in path:
            if not isinstance(present, Mapping) or part not in present:
                return None
            present = present[part]
        return self.exceptions.get(path) or self.exceptions.get(path[:1]) or self.source

    def provenance(self) -> dict[Path, str]:
        """path → instance id or `LOCK`, for every value."""
        found: dict[Path, str] = {}
        for name, value in self.values.items():
            source = self.exceptions.get((name,)) or self.source
            if name not in BY_LEAF:
                found[(name,)] = source
                continue
            for leaf in value:
                found[(name, leaf)] = self.exceptions.get((name, leaf)) or source
        return found


def build(merged: Merged, records: Sequence[SourceRecord]) -> bytes:
    """The document's bytes; equal titles give equal bytes."""
    source = merged.sole
    if not source:
        counts = Counter(merged.origins.values())
        del counts[LOCK]
        source = min(counts, key=lambda one: (-counts[one], one)) if counts else ""
    exceptions = sorted((path, instance) for path, instance in merged.origins.items() if instance != source)
    return kept_json(
        {
            "values": merged.values,
            "source": source,
            "exceptions": exceptions,
            "holdings": [
                _holding(one)
                for one in (sorted(records, key=lambda one: one.place) if len(records) > 1 else records)
            ],
        },
        orjson.OPT_SORT_KEYS,
    )


def parse(data: bytes) -> Document:
    raw = orjson.loads(data)
    return Document(
        values=raw["values"],
        source=raw["source"],
        exceptions={tuple(path): instance for path, instance in raw["exceptions"]},
        holdings=[Holding(*one) for one in raw["holdings"]],
    )


def _holding(one: SourceRecord) -> list[Any]:
    """The values of a `Holding`."""
    record = one.record
    files = record.fields.get("files") or ()
    return [
        one.instance,
        record.library,
        record.key,
        record.added_at,
        sum([int(file.get("size") or 0) for file in files]),
        len(files),
        record.fields.get("media") or {},
        sorted(record.fields.get("captions") or ()),
        record.fields.get("leaf_count"),
    ]
