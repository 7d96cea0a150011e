"""What a restore finds in its place: a database that may be damaged."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from medianest_core.base.texts import N_
from medianest_core.store.backup.errors import BackupFailed, CannotRestore

_PARTS = ("", "-wal", "-shm")


@contextlib.contextmanager
def readable() -> Iterator[None]:
    """Around whatever reads the present database first. Raises CannotRestore where it is damaged."""
    try:
        yield
    except (SQLAlchemyError, BackupFailed) as error:
        reason = str(getattr(error, "orig", None) or error)
        raise CannotRestore(
            N_(
                "What is there now cannot be backed up: {reason} With --no-safety-copy it is left out or put aside instead."
            ).format(reason=reason.rstrip(".") + ".")
        ) from error


def put_aside(database: Path, now: float) -> Path | None:
    """Rename a SQLite database with its companions, so that a new one can be made; None where there is none."""
    if not database.exists():
        return None
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = database.with_name(f"{database.name}.aside-{stamp}")
    # The log first: a database without it is an older state, a log beside another database is damage.
    for part in reversed(_PARTS):
        path = database.with_name(database.name + part)
        if path.exists():
            path.rename(aside.with_name(aside.name + part))
    return aside
