"""What the answers of services become: errors that say what was asked for, and nothing that is secret."""

from __future__ import annotations

import pytest

from medianest_core.sdk.errors import (
    AuthFailed,
    MediaNestError,
    NotFound,
    NotReady,
    RateLimited,
    Rejected,
)
from medianest_core.sdk.http import Response


def answer(status: int, url: str = "http://nas:8080/api/things?token=canary") -> Response:
    return Response(status, {}, b"", url)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, AuthFailed),
        (403, AuthFailed),
        (404, NotFound),
        (418, Rejected),
        (429, RateLimited),
        (503, NotReady),
    ],
)
def test_each_refusal_is_told_as_what_it_is(status: int, error: type[MediaNestError]) -> None:
    with pytest.raises(error) as told:
        answer(status).raise_for_status()
    assert type(told.value) is error and "canary" not in str(told.value)


def test_an_address_that_is_not_there_is_named_by_its_path() -> None:
    with pytest.raises(NotFound, match=r"address /api/things\.$"):
        answer(404).raise_for_status()
    with pytest.raises(NotFound, match=r"address /\.$"):
        answer(404, "http://nas").raise_for_status()
    assert answer(204).raise_for_status().status == 204
