"""The backups in the folder, and how long they are kept."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from medianest_core.base.texts import N_
from medianest_core.domain.accounts.errors import Missing
from medianest_core.store.backup.files import facts_of

_NAME = re.compile(r"medianest-(\d{8}T\d{6}Z)-(daily|manual|safety)-[0-9a-f]{4}\.zip(\.age)?", re.ASCII)
_STAMP = "%Y%m%dT%H%M%SZ"
SAFETY_KEPT = 3


class Kind(StrEnum):
    DAILY = "daily"
    """Made by the schedule; only these and safety copies are ever removed by themselves."""
    MANUAL = "manual"
    SAFETY = "safety"
    """Made before a restore."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One archive. made_at, verified_at: epoch seconds; verified_at None: it was put here by hand. size: bytes."""

    name: str
    path: Path
    kind: Kind
    made_at: float
    size: int
    encrypted: bool
    verified_at: float | None = None
    version: str = ""
    rows: int = 0
    files: int = 0
    left_out: Mapping[str, str] = field(default_factory=dict)


def new_name(kind: Kind, now: float, *, encrypted: bool) -> str:
    """A file name that no other backup has."""
    stamp = datetime.fromtimestamp(now, UTC).strftime(_STAMP)
    return f"medianest-{stamp}-{kind.value}-{secrets.token_hex(2)}.zip{'.age' if encrypted else ''}"


def listed(folder: Path) -> list[Backup]:
    """Newest first. Other files are passed over."""
    paths = folder.iterdir() if folder.is_dir() else ()
    found = [
        _read(path)
        for path in paths
        if _NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink()
    ]
    return sorted(found, key=lambda one: (one.made_at, one.name), reverse=True)


def named(folder: Path, name: str) -> Backup:
    """The backup of that name. Raises Missing, also for whatever is no name of a backup."""
    path = folder / name
    if not _NAME.fullmatch(name) or not path.is_file() or path.is_symlink():
        raise Missing(N_("There is no such backup."))
    return _read(path)


def _read(path: Path) -> Backup:
    match = _NAME.fullmatch(path.name)
    assert match is not None
    facts: dict[str, Any] = {}
    size = path.stat().st_size
    try:
        facts = json.loads(facts_of(path).read_bytes())
        # Another file has come in its place since.
        if facts["size"] != size:
            facts = {}
    except (OSError, ValueError, KeyError, TypeError):
        facts = {}
    return Backup(
        name=path.name,
        path=path,
        kind=Kind(match[2]),
        made_at=datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC).timestamp(),
        size=size,
        encrypted=match[3] is not None,
        verified_at=facts.get("verified_at"),
        version=str(facts.get("medianest", "")),
        rows=int(facts.get("rows", 0)),
        files=int(facts.get("files", 0)),
        left_out=facts.get("left_out", {}),
    )


def remove(backup: Backup) -> None:
    """Delete it and what is known of it."""
    backup.path.unlink(missing_ok=True)
    facts_of(backup.path).unlink(missing_ok=True)


def superfluous(backups: Sequence[Backup], *, daily: int, weekly: int) -> list[Backup]:
    """Which of them the rules no longer keep: the newest `daily` daily ones, of the weeks before the last one of each for
    `weekly` weeks, three safety copies, and all that were made by hand. What was not verified is not touched either."""
    ours = sorted(
        (one for one in backups if one.verified_at is not None), key=lambda one: one.made_at, reverse=True
    )
    days = [one for one in ours if one.kind is Kind.DAILY]
    kept = {one.name for one in days[:daily]}
    weeks: dict[tuple[int, int], Backup] = {}
    for one in days:
        year, week, _ = datetime.fromtimestamp(one.made_at, UTC).isocalendar()
        weeks.setdefault((year, week), one)
    kept.update(one.name for one in list(weeks.values())[:weekly])
    safety = [one for one in ours if one.kind is Kind.SAFETY]
    return [one for one in days if one.name not in kept] + safety[SAFETY_KEPT:]
