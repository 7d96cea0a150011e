"""`merge`: one title's values from what every source says, the priorities and the admin's locks. Pure.

Lower numbers win; ties go to the newest record. What does not say (missing, None, empty) never overwrites. Captions are
decided per language, assets per kind, ids per provider and media facts one by one; everything else field by field. What a rollback holds stands above the
source it was rolled back from, until that source says something else. Locks stand above all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medianest_core.domain.library.holds import Hold, same
from medianest_core.domain.library.records import SourceRecord
from medianest_core.sdk.media import MediaRecord

Path = tuple[str, ...]
LOCK = "lock"
DEFAULT_PRIORITY = 1000
BY_LEAF = frozenset({"ids", "captions", "assets", "blurhash", "media"})
_LEAFY = tuple(sorted(BY_LEAF))

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
    **dict.fromkeys(("assets", "blurhash"), "artwork"),
    "captions": "captions",
    **dict.fromkeys(("media", "audio", "chapters", "files", "duration_ms"), "media"),
    "ids": "ids",
}
"""Field → group; fields not named here are in "other"."""


@dataclass(frozen=True, slots=True)
class Priorities:
    """order: group ("*" for all) → instance id → number, lower first. Instances not named come last, as equals; where a group
    has an order of its own, in the order of "*" after all that it names. off: instances that come after even those."""

    order: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    off: frozenset[str] = frozenset()

    def of(self, group: str, instance: str) -> int:
        own, general = self.order.get(group) or {}, self.order.get("*") or {}
        number = own.get(instance)
        if number is None:
            number = general.get(instance, DEFAULT_PRIORITY) + (DEFAULT_PRIORITY if own else 0)
        return number + 10 * DEFAULT_PRIORITY if instance in self.off else number


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
    """Everything a record says, by field. What stands in its fields is shared with it and not to be changed."""
    found = dict(_said(record.fields))
    for name in _LEAFY:
        if name not in found:
            continue
        leaves = found[name]
        if isinstance(leaves, dict | Mapping) and (said := _said(leaves)):
            found[name] = said
        else:
            del found[name]
    if record.title:
        found["title"] = record.title
    if record.year:
        found["year"] = record.year
    if ids := record.ids if all(record.ids.values()) else _texts(record.ids):
        found["ids"] = ids
    return found


def _texts(ids: Mapping[str, str]) -> dict[str, str]:
    return {provider: value for provider, value in ids.items() if value}


def _said(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same without silence."""
    if all(values.values()):
        return values
    # Numbers that are 0 are statements; everything else that is false is silence (see `says`).
    return {name: value for name, value in values.items() if value or value == 0}


def merge(
    records: Sequence[SourceRecord],
    priorities: Priorities,
    locks: Mapping[Path, Any] | None = None,
    holds: Mapping[Path, Hold] | None = None,
) -> Merged:
    """The title's values. `records` may come in any order; with none, only the locks remain. Holds that have ended count for
    nothing (see `ended`)."""
    values: dict[str, Any] = {}
    origins: dict[Path, str] = {}
    sole = ""
    if len(records) == 1:
        values, sole = statements(records[0].record), records[0].instance
    else:
        said = [(one.instance, statements(one.record)) for one in sorted(records, key=newest_first)]
        names: dict[str, None] = {}
        for _, found in said:
            names |= dict.fromkeys(found)
        ranked: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        for name in names:
            group = GROUPS.get(name, "other")
            # Groups without an order of their own share one.
            order = group if priorities.order.get(group) else "*"
            if order not in ranked:
                ranked[order] = sorted(said, key=lambda pair: priorities.of(order, pair[0]))
            if name in BY_LEAF:
                leaves = values[name] = {}
                for instance, found in ranked[order]:
                    for leaf, value in found.get(name, {}).items():
                        if leaf not in leaves:
                            leaves[leaf] = value
                            origins[(name, leaf)] = instance
                continue
            for instance, found in ranked[order]:
                if name in found:
                    values[name] = found[name]
                    origins[(name,)] = instance
                    break
    if holds:
        over = ended(holds, records)
        for path, hold in sorted(holds.items()):
            if path not in over and same(value_at(values, path), hold.against):
                _put(values, origins, path, hold.value, hold.origin or sole)
    for path, value in sorted((locks or {}).items()):
        _put(values, origins, path, value, LOCK)
    return Merged(values, sole, origins)


def ended(holds: Mapping[Path, Hold], records: Sequence[SourceRecord]) -> set[Path]:
    """Holds whose source says something else by now; where none had said anything, those of which one does."""
    said = [(one.instance, statements(one.record)) for one in records]
    over = set()
    for path, hold in holds.items():
        if hold.against_from is None:
            stands = all(value_at(found, path) is None for _, found in said)
        else:
            stands = any(
                instance == hold.against_from and same(value_at(found, path), hold.against)
                for instance, found in said
            )
        if not stands:
            over.add(path)
    return over


def value_at(values: Mapping[str, Any], path: Path) -> Any:
    """The value that stands there; None where there is none."""
    name, *rest = path
    found = values.get(name)
    if rest and name in BY_LEAF:
        return found.get(rest[0]) if isinstance(found, Mapping) else None
    return found


def newest_first(one: SourceRecord) -> tuple[float, str, str]:
    return -(one.record.updated_at or one.record.added_at or 0.0), one.instance, one.record.key


def _put(values: dict[str, Any], origins: dict[Path, str], path: Path, value: Any, origin: str) -> None:
    """None takes the value away."""
    name, *rest = path
    origins.pop(path, None)
    if name in BY_LEAF:
        if rest:
            leaves = {leaf: one for leaf, one in values.get(name, {}).items() if leaf != rest[0]}
            found = {rest[0]: value}
        else:
            for leaf in values.get(name, {}):
                origins.pop((name, leaf), None)
            leaves, found = {}, dict(value) if isinstance(value, Mapping) else {}
        for leaf, one in found.items():
            if one is not None:
                leaves[leaf] = one
                origins[(name, leaf)] = origin
        if leaves:
            values[name] = leaves
        else:
            values.pop(name, None)
    elif value is None:
        values.pop(name, None)
    else:
        values[name] = value
        origins[(name,)] = origin


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[Path, tuple[Any, Any]]:
    """path → (before, after) of every value that differs, leaf by leaf; None where there is none."""
    found: dict[Path, tuple[Any, Any]] = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old == new or same(old, new):
            continue
        if name in BY_LEAF:
            old, new = old or {}, new or {}
            for leaf in old.keys() | new.keys():
                if not same(old.get(leaf), new.get(leaf)):
                    found[(name, leaf)] = (old.get(leaf), new.get(leaf))
        else:
            found[(name,)] = (old, new)
    return found
