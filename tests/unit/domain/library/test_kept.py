"""A value goes only when everybody who could tell it was asked and nobody does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.library.merge import LOCK, Priorities, merge
from medianest_core.domain.library.records import SourceRecord
from medianest_core.domain.library.writing.kept import MOST, KeptValue, as_record, judge, lost
from medianest_core.sdk.media import MediaRecord


def told(instance: str, **fields: object) -> SourceRecord:
    return SourceRecord(instance, MediaRecord("1", "movie", "Heat", "1", fields=fields))


def gone(*names: str, waits: str = "") -> dict[tuple[str, ...], KeptValue]:
    return {(name,): KeptValue(name, "a", 1.0, frozenset(waits)) for name in names}


def test_only_what_its_own_source_stopped_telling_and_nobody_tells_is_lost() -> None:
    captions = {"en": {"url": "e"}, "fr": {"url": "f"}}
    values = {"summary": "S", "tagline": "T", "studio": "W", "captions": captions, "media": {"hdr": "HDR10"}}
    origins = {
        ("summary",): "a",
        ("tagline",): "a",
        ("studio",): LOCK,
        ("captions", "en"): "a",
        ("captions", "fr"): "b",
        ("media", "hdr"): "a",
    }
    found = lost(values, origins, [told("a", captions={"en": {"url": "new"}}), told("b", tagline="B")], 5.0)
    assert set(found) == {("summary",), ("captions", "fr")}
    assert found["captions", "fr"] == KeptValue({"url": "f"}, "b", 5.0, frozenset())
    assert lost(values, origins, [told("b", captions={"fr": {"url": "f"}})], 5.0) == {}, (
        "a has no record any more"
    )


def test_it_waits_for_whoever_was_not_asked() -> None:
    first = judge({}, gone("tagline"), enabled={"a", "b", "owner"}, probed={"a"})
    assert first["tagline",].waits == {"b", "owner"}
    second = judge(first, {}, enabled={"a", "b", "owner"}, probed={"b"})
    assert second["tagline",].waits == {"owner"}
    assert judge(second, {}, enabled={"a", "b", "owner"}, probed={"owner"}) == {}
    assert judge(second, {}, enabled={"a", "b"}, probed={"a"}) == {}, "who is switched off is not waited for"


def test_too_much_at_once_stays_although_all_were_asked() -> None:
    few = [f"field{n}" for n in range(MOST)]
    assert judge({}, gone(*few), enabled={"a"}, probed={"a"}) == {}
    many = judge({}, gone(*few, "one more"), enabled={"a"}, probed={"a"})
    assert len(many) == MOST + 1 and not any(one.waits for one in many.values())
    captions: dict[tuple[str, ...], KeptValue] = {
        ("captions", str(n)): KeptValue({}, "a", 1.0, frozenset()) for n in range(20)
    }
    assert judge({}, captions, enabled={"a"}, probed={"a"}) == {}, "subtitles are one field"


@given(
    st.sets(st.sampled_from("abcd"), min_size=1),
    st.lists(st.sets(st.sampled_from("abcd")), max_size=5),
    st.integers(1, MOST),
)
def test_nothing_goes_before_everybody_was_asked(
    enabled: set[str], rounds: list[set[str]], count: int
) -> None:
    kept = judge({}, gone(*(f"f{n}" for n in range(count))), enabled=enabled, probed=())
    asked: set[str] = set()
    for probed in rounds:
        kept = judge(kept, {}, enabled=enabled, probed=probed)
        asked |= probed
        assert bool(kept) is not (enabled <= asked)
        if not kept:
            break
        assert judge(kept, {}, enabled=enabled, probed=probed) == kept


def test_kept_values_are_merged_as_their_sources_told_them() -> None:
    kept = {
        ("tagline",): KeptValue("T", "a", 1.0, frozenset("b")),
        ("captions", "fr"): KeptValue({"url": "f"}, "a", 1.0, frozenset("b")),
    }
    now = [told("a", summary="A"), told("b", captions={"en": {"url": "e"}})]
    merged = merge([*now, *as_record(kept, "movie", 7)], Priorities())
    assert merged.values["tagline"] == "T" and merged.values["title"] == "Heat"
    assert set(merged.values["captions"]) == {"en", "fr"}
    assert merged.origin(("captions", "fr")) == "a"
