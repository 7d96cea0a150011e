"""Lists in pages, newest first: the mark that a page ends with, and what comes after it."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import ColumnElement, tuple_

from medianest_core.base.texts import N_
from medianest_core.sdk.errors import UserError


def mark(at: float, identifier: str) -> str:
    """What the next page is asked for with, made of the last row of this one. at: epoch seconds."""
    return f"{at!r}_{identifier}"


def past(cursor: str, at: ColumnElement[Any], identifier: ColumnElement[Any]) -> ColumnElement[bool]:
    """What comes after the mark where rows fall by `at` and then `identifier`. Raises UserError for what is no mark."""
    moment, _, last = cursor.partition("_")
    try:
        begun = float(moment)
    except ValueError:
        begun = math.nan
    if not math.isfinite(begun):
        raise UserError(N_("This place in the list is not known; start again."), "cursor")
    return tuple_(at, identifier) < (begun, last)
