"""Field availability: which instance says something about which field of which title. Pure.

kind → title → path → instances, as an index over the records that is computed whenever it is asked for. Paths are tuples,
because titles and file names contain dots; `dotted` is for display alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from medianest_core.domain.library.merge import Path, says, statements
from medianest_core.domain.library.records import SourceRecord
from medianest_core.domain.library.wording import match_title
from medianest_core.sdk.media import EPISODE, SEASON

Fields = dict[Path, list[str]]
"""path → ids of the instances that have it, in order and each once."""

SKIPPED = frozenset({"fileNames"})
"""Lists that only name files: every server has its own."""
TRACKS = frozenset({"audio", "video"})
"""Lists of tracks, which are told apart by their codec."""
PARTS = {SEASON: "seasons", EPISODE: "episodes"}


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every value of a tree, depth first. What says nothing (None, "", empty) has no path.

    An entry of a list of mappings stands under its name, its id or else its number, a track under its codec; a list of
    plain values is one value.
    """
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from leaves(one, (*path, str(name)))
    elif isinstance(value, (list, tuple)) and any(isinstance(one, Mapping) for one in value):
        names = ("codec",) if path and path[-1] in TRACKS else ("name", "id")
        if path and path[-1] in SKIPPED:
            return
        for number, one in enumerate(value):
            yield from leaves(one, (*path, _mark(one, names) or str(number)))
    elif says(value) and not (path and path[-1] in SKIPPED):
        yield path


def _mark(entry: Any, names: Sequence[str]) -> str:
    found = (entry.get(name) for name in names) if isinstance(entry, Mapping) else ()
    return next((str(one) for one in found if says(one)), "")


def collect(tree: Any, instance: str, into: Fields, under: Path = ()) -> None:
    """Note everything that `tree` says as said by `instance`, each path once."""
    for path in leaves(tree, under):
        owners = into.setdefault(path, [])
        if instance not in owners:
            owners.append(instance)


def of_title(records: Sequence[tuple[Path, SourceRecord]]) -> Fields:
    """A title and what belongs to it: (where it hangs below the title, record). The same for any order of the records."""
    found: Fields = {}
    for under, one in sorted(records, key=lambda pair: (pair[1].instance, pair[0], pair[1].place)):
        collect(statements(one.record), one.instance, found, under)
    return dict(sorted(found.items()))


def part_name(kind: str, index: int | None, title: str) -> Path:
    """Where a season or an episode hangs below its show or season: ("seasons", "1")."""
    return PARTS.get(kind, f"{kind}s"), str(index) if index is not None else match_title(title)


def dotted(path: Path) -> str:
    """A path as it is shown. Not to be taken apart again."""
    return ".".join(path)
