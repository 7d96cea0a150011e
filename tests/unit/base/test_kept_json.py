"""Tests of JSON that is kept."""

import tracemalloc

import orjson
import pytest

from medianest_core.base.kept_json import kept_json

RECORD = {f"field{number}": "x" * 40 for number in range(50)}


def test_it_takes_the_room_that_it_is_long() -> None:
    tracemalloc.start()
    try:
        kept = [kept_json(RECORD) for _ in range(200)]
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1.2 * sum(map(len, kept))


def test_it_says_what_orjson_says() -> None:
    assert kept_json({"b": 1, "a": None}, orjson.OPT_SORT_KEYS) == b'{"a":null,"b":1}'
    with pytest.raises(TypeError):
        kept_json({"a": object()})
