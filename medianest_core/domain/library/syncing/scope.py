"""What a sync is asked to read: the arguments of the job `library.sync`, and when two of them ask for the same."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

_TARGET = ("instance_ids", "libraries", "kinds", "keys", "titles")
_LONGEST = 1000
"""Bytes of a scope. An entry of an index of PostgreSQL has room for 2,704."""


class SyncArgs(BaseModel):
    """What to sync. None means all. keys: the source's own ids, read again one by one. titles: our ids; what hangs under a title goes
    with it. kinds: of records. ops: names of `operations.OPERATIONS`; only what they cover is written. recent: only what changed
    since the last complete run, where the source can tell. force: decode and compare everything, whatever the digests say.
    dry_run: write nothing, and say what would change. tries: how often titles that could not be read were tried again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    instance_ids: tuple[str, ...] | None = None
    libraries: tuple[str, ...] | None = None
    keys: tuple[str, ...] | None = None
    recent: bool = False
    force: bool = False
    kinds: tuple[str, ...] | None = None
    titles: tuple[int, ...] | None = None
    ops: tuple[str, ...] | None = None
    dry_run: bool = False
    tries: int = 0

    @property
    def target(self) -> str:
        """Equal for requests about the same titles, whatever they do with them."""
        return _short(self._said())

    @property
    def scope(self) -> str:
        """Equal for requests that ask for the same. No longer than an index takes."""
        said = self._said()
        if self.ops is not None:
            said["ops"] = sorted(self.ops)
        return _short(said)

    @property
    def single(self) -> bool:
        """Whether titles are read one by one."""
        return self.keys is not None or self.titles is not None

    @property
    def whole(self) -> bool:
        """Whether listings are read to their end, so that absences can be seen."""
        return not self.single and not self.recent and self.ops is None

    def merged(self, other: SyncArgs) -> SyncArgs:
        """One request that answers both, of the same target."""
        ops = (
            None
            if self.ops is None or other.ops is None
            else tuple({**dict.fromkeys((*self.ops, *other.ops))})
        )
        return self.model_copy(update={"ops": ops, "force": self.force or other.force, "tries": 0})

    def _said(self) -> dict[str, Any]:
        said: dict[str, Any] = {}
        for name in _TARGET:
            value = getattr(self, name)
            if value is not None:
                said[name] = sorted(set(value))
        for name in ("recent", "dry_run"):
            if getattr(self, name):
                said[name] = True
        return said


def _short(said: dict[str, Any]) -> str:
    """As JSON; of long lists their digest alone."""
    text = orjson.dumps(said)
    if len(text) <= _LONGEST:
        return text.decode()
    lists = {name: value for name, value in said.items() if isinstance(value, list)}
    for name in sorted(lists, key=lambda name: -len(orjson.dumps(lists[name]))):
        digest = hashlib.blake2b(orjson.dumps(lists[name]), digest_size=16).hexdigest()
        text = orjson.dumps(said := {**said, name: [digest, len(lists[name])]})
        if len(text) <= _LONGEST:
            break
    return text.decode()
