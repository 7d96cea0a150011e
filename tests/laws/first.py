"""The rule for one field by itself: who comes before all others that have it. The merge of all fields is held against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from medianest_core.domain.library.merge import Path


def may_write(
    instance: str,
    path: Path,
    fields: Mapping[Path, Sequence[str]] | None,
    priority: Callable[[str], int | None],
) -> bool:
    """Whether no other instance comes before this one for the value at `path`.

    fields: of the title; None where nobody has the title. priority: lower numbers come first, None for instances that are
    not known, which do not count. Where nobody has the value, anybody may write it.
    """
    if fields is None:
        return False
    others = [number for one in fields.get(path, ()) if (number := priority(one)) is not None]
    if not others:
        return True
    mine = priority(instance)
    return mine is not None and mine <= min(others)
