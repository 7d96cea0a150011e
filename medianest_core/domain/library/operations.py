"""Operations: parts of a title that can be synced alone. One table says which values each of them covers. Pure.

A path is a field, or a field and one of its leaves. Every field of a record belongs to exactly one operation; what the table does
not name belongs to "metadata".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from medianest_core.base.texts import N_
from medianest_core.domain.library.merge import BY_LEAF, Path
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.media import MediaRecord

METADATA = "metadata"
OPERATIONS: Mapping[str, tuple[Path, ...]] = {
    METADATA: (),
    "captions": (("captions",),),
    "chapters": (("chapters",),),
    "video_info": (("media",), ("files",), ("duration_ms",)),
    "posters": (("assets", "poster"),),
    "backdrops": (("assets", "backdrop"),),
    "thumbnails": (("assets", "thumb"),),
    "logos": (("assets", "logo"),),
    "blurhash": (("blurhash",),),
}
"""Name → what it covers, in the order in which they are listed. "metadata" covers all that no other one does."""

LABELS: Mapping[str, str] = {
    METADATA: N_("Descriptions"),
    "captions": N_("Captions"),
    "chapters": N_("Chapters"),
    "video_info": N_("Video facts"),
    "posters": N_("Posters"),
    "backdrops": N_("Backdrops"),
    "thumbnails": N_("Thumbnails"),
    "logos": N_("Logos"),
    "blurhash": N_("Placeholders of pictures"),
}
_OF: Mapping[Path, str] = {path: name for name, paths in OPERATIONS.items() for path in paths}


def operation_of(path: Path) -> str:
    """The operation that covers a value."""
    return _OF.get(path[:2]) or _OF.get(path[:1]) or METADATA


def checked(names: Iterable[str] | None) -> tuple[str, ...] | None:
    """In the table's order, once each; None where all are meant. Raises UserError."""
    if names is None:
        return None
    wanted = set(names)
    if unknown := sorted(wanted - OPERATIONS.keys()):
        raise UserError(
            N_("There is no operation {name}. There are: {all}.").format(
                name=unknown[0], all=", ".join(OPERATIONS)
            ),
            "ops",
        )
    if not wanted:
        raise UserError(N_("Name at least one operation, or none at all for everything."), "ops")
    return None if wanted == OPERATIONS.keys() else tuple(name for name in OPERATIONS if name in wanted)


def narrowed(stored: MediaRecord, fresh: MediaRecord, ops: Collection[str]) -> MediaRecord:
    """`stored` with what `fresh` says in those operations, and with nothing else of it.

    What decides ties between sources (`updated_at`) and where the title hangs stays as it was stored.
    """
    fields: dict[str, Any] = {}
    for name in dict.fromkeys([*stored.fields, *fresh.fields]):
        was, now = stored.fields.get(name), fresh.fields.get(name)
        if name in BY_LEAF and (isinstance(was, Mapping) or isinstance(now, Mapping)):
            value: Any = _leaves(name, _mapping(was), _mapping(now), ops)
            if not value and was in (None, {}) and now in (None, {}):
                value = was
        else:
            value = now if operation_of((name,)) in ops else was
        if value is not None:
            fields[name] = value
    result = replace(stored, fields=fields)
    if METADATA in ops:
        result = replace(result, title=fresh.title, year=fresh.year, ids=fresh.ids)
    return result


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _leaves(
    name: str, was: Mapping[str, Any], now: Mapping[str, Any], ops: Collection[str]
) -> dict[str, Any]:
    found = {}
    for leaf in dict.fromkeys([*was, *now]):
        said = now if operation_of((name, leaf)) in ops else was
        if leaf in said:
            found[leaf] = said[leaf]
    return found
