"""Rows of `sync_changes`: what a batch changed of a title, where each value came from before and after, and by which rule.

Everything needed to undo a change stands in its row. A title that is removed leaves one row with all it was; a new title leaves
none, it is known by its `created_run`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson

from medianest_core.domain.library.document import Document
from medianest_core.domain.library.holds import Marks, holds_as_json, locks_as_json
from medianest_core.domain.library.merge import LOCK, Merged, Path, differences

Rule = Literal[
    "only",
    "priority",
    "lock",
    "held",
    "cleared",
    "moved",
    "rollback",
    "removed",
    "joined",
    "withheld",
    "restored",
]
WHOLE_RULES = ("removed", "joined", "withheld", "restored")
"""Of rows about whole titles."""
HOLDINGS: Path = ("holdings",)
"""Which servers have the title: before and after are lists of instance ids."""
ORIGINS: Path = ("origins",)
"""Values that stayed and come from elsewhere now: before and after are lists of [path, instance id]."""
WHOLE: Path = ()
"""The title itself came or went: before or after is its snapshot."""


class Writer:
    """Makes the rows of one batch. rule: of all its rows, "" for that of each. actor: user id of who asked for it, None for a sync."""

    def __init__(
        self, run_id: int, now: float, rule: Rule | Literal[""] = "", actor: str | None = None
    ) -> None:
        self._run = run_id
        self._now = now
        self._rule = rule
        self._actor = actor

    def of_title(
        self,
        title: int,
        old: Document | None,
        merged: Merged,
        holders: Sequence[str],
        held: Mapping[Path, Any],
        *,
        alone: bool,
    ) -> list[dict[str, Any]]:
        """old: as it was, None for a new one. holders: instances that have it now. held: paths whose value a rollback holds. alone: one source says all there is."""
        values = differences(old.values if old else {}, merged.values)
        found = []
        for path, (was, now) in values.items():
            winner = merged.origin(path) if now is not None else None
            rule: Rule = (
                "cleared"
                if now is None
                else "lock"
                if winner == LOCK
                else "held"
                if path in held
                else "only"
                if alone
                else "priority"
            )
            found.append(
                self._row(
                    title,
                    path,
                    was,
                    now,
                    old.source_of(*path) if old and was is not None else None,
                    None if winner == LOCK else winner,
                    rule,
                )
            )
        had = sorted(holding.instance_id for holding in old.holdings) if old else []
        has = sorted(holders)
        if had != has:
            found.append(self._row(title, HOLDINGS, had, has, None, None, "only" if alone else "priority"))
        if old is not None and (moved := _moved(old, merged, values)):
            was_from = [(path, one) for path, one, _ in moved]
            now_from = [(path, other) for path, _, other in moved]
            found.append(self._row(title, ORIGINS, was_from, now_from, None, None, "moved"))
        return found

    def removal(
        self,
        title: int,
        row: Mapping[str, Any],
        doc: bytes,
        marks: Marks,
        heir: int | None = None,
        rule: Rule = "removed",
    ) -> dict[str, Any]:
        """row: of `titles`. heir: the title that its records went to."""
        if heir is not None:
            rule = "joined"
        return self._row(title, WHOLE, snapshot(row, doc, marks), heir, None, None, rule, whole=True)

    def restored(self, title: int) -> dict[str, Any]:
        """A title that was gone, or withheld, and is back because somebody asked for it."""
        return self._row(title, WHOLE, None, {}, None, None, "restored", whole=True)

    def _row(
        self,
        title: int,
        path: Path,
        before: Any,
        after: Any,
        before_from: str | None,
        instance: str | None,
        rule: Rule,
        *,
        whole: bool = False,
    ) -> dict[str, Any]:
        return {
            "run_id": self._run,
            "title_id": title,
            "at": self._now,
            "path": list(path),
            "before": before,
            "after": after,
            "instance_id": instance,
            "rule": rule if whole or not self._rule else self._rule,
            "before_from": before_from,
            "actor": self._actor,
        }


def _moved(old: Document, merged: Merged, values: Mapping[Path, Any]) -> list[tuple[Path, str, str]]:
    """Paths whose value stayed and whose source did not: (path, before, after)."""
    if not old.exceptions and not merged.origins and old.source == merged.sole:
        return []
    found = []
    for path, now in (merged.provenance if merged.sole else merged.origins).items():
        was = old.exceptions.get(path) or old.exceptions.get(path[:1]) or old.source
        # Whether the value was there at all is asked last: nearly all of them come from where they came from.
        if was != now and path not in values and old.source_of(*path) is not None:
            found.append((path, was, now))
    return sorted(found)


def snapshot(row: Mapping[str, Any], doc: bytes, marks: Marks) -> dict[str, Any]:
    """All that a title was, as JSON: "values", "source", "exceptions", "holdings" of its document, "row" of `titles`, and what admins had
    said of it."""
    found: dict[str, Any] = orjson.loads(doc)
    return {
        **found,
        "row": {name: value for name, value in row.items() if name != "id"},
        "locks": locks_as_json(marks),
        "holds": holds_as_json(marks),
    }
