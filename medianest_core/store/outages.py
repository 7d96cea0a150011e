"""Tells an outage of the database from a mistake in a statement."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from medianest_core.base.texts import N_
from medianest_core.sdk.errors import UserError
from medianest_core.store.errors import Clashed, DatabaseAway

_AWAY_CLASSES = ("08", "53", "57P", "58", "F0", "XX")
"""SQLSTATE: connection lost, no resources, ended by an operator, system error, broken files."""
_CLASHES = ("40001", "40P01")
_TOO_LONG = ("57014", "55P03", "25P03", "25P04")
"""Statement, lock, idle and transaction timeouts."""
_TOO_LARGE = re.compile(r"value out of int\d+ range|(?:integer|smallint|bigint) out of range")
_READ_ONLY = "25006"
_SQLITE_AWAY = ("locked", "unable to open", "disk I/O error", "is full")


def outage(error: BaseException, *, writing: bool) -> DatabaseAway | None:
    """What callers are to see instead of `error`; None where the statement itself was wrong.

    writing: whether it was said in a transaction that may write; only there "read-only" is the database's fault.
    """
    if isinstance(error, PoolTimeout):
        return DatabaseAway("Others keep the database busy.")
    if not isinstance(error, DBAPIError):
        return None
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if state in _CLASHES:
        return Clashed("Two changes got in each other's way. Please try again.")
    if state in _TOO_LONG:
        return DatabaseAway("The database took too long.")
    text = str(error.orig)
    if writing and (state == _READ_ONLY or "attempt to write a readonly" in text):
        return DatabaseAway("The database takes no changes at the moment.")
    if (
        error.connection_invalidated
        or state.startswith(_AWAY_CLASSES)
        or (not state and any(words in text for words in _SQLITE_AWAY))
        or "connection is closed" in text
        or "connection was closed" in text
    ):
        return DatabaseAway("The database does not answer.")
    return None


@contextlib.contextmanager
def translated(*, writing: bool) -> Iterator[None]:
    """Raises DatabaseAway for an outage, UserError for a number that no column holds, everything else as it is."""
    try:
        yield
    except OverflowError as error:
        # SQLite's driver refuses by itself what has more than 64 bits.
        raise UserError(N_("This number is too large.")) from error
    except (DBAPIError, PoolTimeout) as error:
        if _TOO_LARGE.search(str(getattr(error, "orig", ""))):
            raise UserError(N_("This number is too large.")) from error
        away = outage(error, writing=writing)
        if away is None:
            raise
        raise away from error


def reason_of(error: BaseException) -> str:
    """What lies beneath a DatabaseAway, in a line: the driver's words, which name hosts and people but no passwords."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = " ".join(str(getattr(error, "orig", None) or error).split())
    return text or type(error).__name__
