"""A list that keeps itself true is asked for anew with as many rows as its page shows by then (`data-live-list`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from starlette.requests import Request

from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import is_htmx

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
MOST = 1_000
_AT_ONCE = 200


class Page(Protocol[T_co]):
    """Some rows, and the mark of those that follow."""

    @property
    def items(self) -> Sequence[T_co]: ...

    @property
    def next_cursor(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """A `Page` of what a domain calls by another name."""

    items: Sequence[T]
    next_cursor: str | None


def shown(request: Request) -> int | None:
    """The rows that a page shows, which asks for its list anew; None for every other question."""
    if not is_htmx(request):
        return None
    count = whole(request.query_params.get("shown"))
    return None if count is None else max(0, min(count, MOST))


async def read_rows(
    read: Callable[[str | None, int], Awaitable[Page[T]]], cursor: str | None, wanted: int
) -> tuple[list[T], str | None]:
    """`wanted` rows by as many questions (cursor, limit) as that takes, and the mark of what follows them."""
    rows: list[T] = []
    while True:
        page = await read(cursor, min(wanted - len(rows), _AT_ONCE))
        rows += page.items
        cursor = page.next_cursor
        if cursor is None or len(rows) >= wanted:
            return rows, cursor
