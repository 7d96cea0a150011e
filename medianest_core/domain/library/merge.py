"""`merge`: one title's values from what every source says, the priorities and the admin's locks. Pure.

Lower numbers win; ties go to the newest record. What does not say (missing, None, empty) never overwrites. Captions are
decided per language, assets per kind, ids per provider and media facts one by one; everything else field by field. Locks
stand above every source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medianest_core.domain.library.records import SourceRecord
from medianest_core.sdk.media import MediaRecord

Path = tuple[str, ...]
LOCK = "lock"
DEFAULT_PRIORITY = 1000
BY_LEAF = frozenset({"ids", "captions", "assets", "media"})

GROUPS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "title",
            "sort_title",
            "original_title",
            "summary",
            "tagline",
            "studio",
            "genres",
            "content_rating",
        ),
        "text",
    ),
    **dict.fromkeys(("rating", "audience_rating"), "ratings"),
    **dict.fromkeys(("cast", "directors", "writers"), "people"),
    **dict.fromkeys(("year", "released_on"), "dates"),
    "assets": "artwork",
    "captions": "captions",
    "media": "media",
    "files": "media",
    "duration_ms": "media",
    "ids": "ids",
}
"""Field → group; fields not named here are in "other"."""


@dataclass(frozen=True, slots=True)
class Priorities:
    """order: group ("*" for all) → instance id → number, lower first. Instances not named come last, as equals."""

    order: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def of(self, group: str, instance: str) -> int:
        for name in (group, "*"):
            number = self.order.get(name, {}).get(instance)
            if number is not None:
                return number
        return DEFAULT_PRIORITY


@dataclass(frozen=True, slots=True)
class Merged:
    """values: field → value. sole: the instance that every value not in `origins` comes from. origins: path → instance id, or
    `LOCK`. Kept apart because nearly all titles have one source."""

    values: dict[str, Any]
    sole: str = ""
    origins: dict[Path, str] = field(default_factory=dict)

    @property
    def provenance(self) -> dict[Path, str]:
        """path → instance id or `LOCK`; one entry for each value, leaf by leaf."""
        found: dict[Path, str] = {}
        for name, value in self.values.items():
            for path in [(name, leaf) for leaf in value] if name in BY_LEAF else [(name,)]:
                found[path] = self.origin(path)
        return found

    def origin(self, path: Path) -> str:
        """Where the value at `path` comes from."""
        return self.origins.get(path) or self.sole


def says(value: object) -> bool:
    """Whether a source makes a statement at all."""
    return value is not None and value != "" and value != [] and value != {} and value != ()


def statements(record: MediaRecord) -> dict[str, Any]:
    """Everything a record says, by field."""
    # Numbers that are 0 are statements; everything else that is false is silence (see `says`).
    found = {name: value for name, value in record.fields.items() if value or value == 0}
    for name in BY_LEAF & found.keys():
        leaves = found[name]
        if not isinstance(leaves, Mapping):
            del found[name]
            continue
        said = {leaf: value for leaf, value in leaves.items() if value or value == 0}
        if said:
            found[name] = said
        else:
            del found[name]
    found["title"] = record.title
    if record.year:
        found["year"] = record.year
    ids = {provider: value for provider, value in record.ids.items() if value}
    if ids:
        found["ids"] = ids
    return found


def merge(
    records: Sequence[SourceRecord], priorities: Priorities, locks: Mapping[Path, Any] | None = None
) -> Merged:
    """The title's values. `records` may come in any order; with none, only the locks remain."""
    values: dict[str, Any] = {}
    origins: dict[Path, str] = {}
    sole = ""
    if len(records) == 1:
        values, sole = statements(records[0].record), records[0].instance
    else:
        said = [(one, statements(one.record)) for one in sorted(records, key=_newest_first)]
        ranked: dict[str, list[tuple[SourceRecord, dict[str, Any]]]] = {}
        for name in dict.fromkeys(name for _, found in said for name in found):
            group = GROUPS.get(name, "other")
            if group not in ranked:
                ranked[group] = sorted(said, key=lambda pair: priorities.of(group, pair[0].instance))
            for one, found in ranked[group]:
                if name not in found:
                    continue
                if name not in BY_LEAF:
                    values[name] = found[name]
                    origins[(name,)] = one.instance
                    break
                leaves = values.setdefault(name, {})
                for leaf, value in found[name].items():
                    if leaf not in leaves:
                        leaves[leaf] = value
                        origins[(name, leaf)] = one.instance
    for path, value in (locks or {}).items():
        _put(values, path, value)
        origins[path] = LOCK
    return Merged(values, sole, origins)


def _newest_first(one: SourceRecord) -> tuple[float, str, str]:
    return -(one.record.updated_at or one.record.added_at or 0.0), one.instance, one.record.key


def _put(values: dict[str, Any], path: Path, value: Any) -> None:
    name, *rest = path
    if rest and name in BY_LEAF:
        values[name] = {**values.get(name, {}), rest[0]: value}
    else:
        values[name] = value


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[Path, tuple[Any, Any]]:
    """path → (before, after) of every value that differs, leaf by leaf; None where there is none."""
    found: dict[Path, tuple[Any, Any]] = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if name in BY_LEAF:
            old, new = old or {}, new or {}
            for leaf in old.keys() | new.keys():
                if old.get(leaf) != new.get(leaf):
                    found[(name, leaf)] = (old.get(leaf), new.get(leaf))
        else:
            found[(name,)] = (old, new)
    return found
