"""The way of a request: the same whatever order reports come in, and done stays done."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.activity.entries import Step
from medianest_core.domain.activity.reports import Said, believed, kept, percent, same
from medianest_core.domain.activity.timeline import ON_THE_WAY, Word, present, stages, timeline
from medianest_core.domain.requests.entries import Decision
from medianest_core.domain.requests.states import State
from medianest_core.sdk.errors import InvalidResponse
from medianest_core.sdk.pipeline import PipelineStage, StageAction, StageReport, StageState

W, A, D, S = StageState.WAITING, StageState.ACTIVE, StageState.DONE, StageState.STUCK


async def _nothing(*_: Any) -> Any:
    return {}


def stage(name: str, order: int, service: str = "one") -> PipelineStage:
    return PipelineStage(
        name, name.title(), service, _nothing, order, (StageAction("again", "Again", _nothing),)
    )


STAGES = [stage("handed_on", 50), stage("searched", 100), stage("downloading", 200), stage("imported", 300)]


def word(which: int, said: Said, instance: str = "a", fresh: bool = True) -> Word:
    return Word(STAGES[which], "plugin", instance, instance.upper(), said, fresh)


def decision(before: str, after: str, at: float = 1.0) -> Decision:
    return Decision(at, before, after, None, "policy", "")


numbers = st.one_of(st.none(), st.floats(0, 1))
saids = st.builds(
    Said,
    st.sampled_from(StageState),
    at=st.one_of(st.none(), st.floats(0, 1e9)),
    progress=numbers,
    ends_at=st.one_of(st.none(), st.floats(0, 1e9)),
    message=st.sampled_from(["", "because"]),
    actions=st.sampled_from([(), ("again",)]),
)
words = st.lists(
    st.builds(word, st.integers(0, 3), saids, st.sampled_from("abc"), st.booleans()),
    max_size=8,
    unique_by=lambda one: (one.instance_id, one.stage.name),
)


@given(words, st.randoms(), st.sampled_from(["a", "b", None]))
def test_the_order_of_arrival_changes_nothing(said: list[Word], random: Any, backend: str | None) -> None:
    shuffled = list(said)
    random.shuffle(shuffled)
    assert stages(shuffled, backend) == stages(said, backend)


@given(words)
def test_the_order_of_steps_is_that_of_the_stages_whatever_they_say(said: list[Word]) -> None:
    found = stages(said)
    order = [one.name for one in STAGES if any(word.stage is one for word in said)]
    assert [one.stage for one in found] == order
    last = max((number for number, one in enumerate(found) if one.state is D), default=-1)
    assert all(one.state is not W for one in found[: max(0, last)])


@given(words, st.sampled_from(State))
def test_keys_are_different_and_ends_stand_at_the_end(said: list[Word], state: State) -> None:
    decisions = [decision("", "pending"), decision("pending", "approved"), decision("approved", state.value)]
    steps = timeline(state.value, decisions, stages(said))
    keys = [one.key for one in steps]
    assert len(set(keys)) == len(keys)
    assert [one.decision for one in steps if one.kind == "decision"] == decisions
    if state in (State.AVAILABLE, State.FAILED, State.DECLINED, State.CANCELLED):
        assert steps[-1].decision == decisions[-1]
    else:
        assert steps[-1].key == "ahead.available"
    if state is State.AVAILABLE:
        assert all(one.state is D for one in steps)


def test_the_whole_way() -> None:
    decisions = [decision("", "pending"), decision("pending", "approved"), decision("approved", "processing")]
    found = stages([word(2, Said(A, progress=0.43, ends_at=9.0)), word(1, Said(D, at=3.0)), word(3, Said(W))])
    keys = [one.key for one in timeline("processing", decisions, found)]
    assert keys == [
        "decision.0",
        "decision.1",
        "decision.2",
        "stage.searched",
        "stage.downloading",
        "stage.imported",
        "ahead.available",
    ]
    now = present(found)
    assert now is not None
    assert (now.stage, now.progress) == ("downloading", 0.43)
    waiting = timeline("pending", decisions[:1], found)
    assert [one.key for one in waiting] == ["decision.0", "ahead.approved", "ahead.available"]


def test_who_says_most_is_believed() -> None:
    poor, rich = (
        word(2, Said(A, progress=0.4), "seerr"),
        word(2, Said(A, progress=0.43, ends_at=5.0), "radarr"),
    )
    (told,) = stages([poor, rich], "seerr")
    assert told.service == "RADARR"
    silent = word(2, Said(S, message="stalled", actions=("again",)), "radarr", fresh=False)
    (told,) = stages([poor, silent])
    assert told.service == "SEERR", "what answers now knows better than what does not"
    (told,) = stages([silent])
    assert (told.message, [one.name for one in told.actions]) == ("stalled", ["again"])


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ([(1, S), (3, A)], "searched"),
        ([(1, D), (2, A), (3, A)], "downloading"),
        ([(1, D), (2, W), (3, W)], "downloading"),
        ([(1, D), (3, D)], "imported"),
        ([], None),
    ],
)
def test_where_it_is_now(said: Sequence[tuple[int, StageState]], wanted: str | None) -> None:
    now = present(stages([word(which, Said(state)) for which, state in said]))
    assert (now.stage if now else None) == wanted


def test_of_several_parts_the_one_whose_end_is_known_is_told() -> None:
    part = word(3, Said(A, progress=0.5, message="A part of it is in the library."))
    for other in (Said(A, message="It is being looked for."), Said(A, progress=0.1, ends_at=9.0)):
        now = present(stages([part, word(2, other)]))
        assert now is not None
        assert now.stage == ("downloading" if other.ends_at else "imported")


def test_what_had_not_ended_has_no_end_to_show_once_it_is_there() -> None:
    found = stages([word(1, Said(D, at=3.0)), word(2, Said(A, at=4.0, progress=0.9, ends_at=5.0))])
    steps = timeline("available", [decision("", "processing"), decision("processing", "available")], found)
    shown: dict[str, Step] = {one.key: one for one in steps}
    assert shown["stage.searched"].at == 3.0
    assert shown["stage.downloading"].at is None
    assert shown["stage.downloading"].progress is None
    assert "stage.downloading" not in [
        one.key for one in timeline("failed", [decision("processing", "failed")], found)
    ]


@given(st.dictionaries(st.sampled_from("xyz"), saids), st.dictionaries(st.sampled_from("xyz"), saids))
def test_done_goes_back_only_by_its_own_word(before: dict[str, Said], answer: dict[str, Said]) -> None:
    after = kept(before, answer, "xyz")
    for name in "xyz":
        if name in answer:
            assert after[name] == answer[name]
        elif name in before and before[name].state is D:
            assert after[name] == before[name]
        else:
            assert name not in after


strange = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.lists(st.integers())
)


@given(st.builds(StageReport, strange, strange, strange, strange, strange, strange))
def test_strange_reports_do_no_harm(report: StageReport) -> None:
    with pytest.raises(InvalidResponse):
        believed({"r": report}, ["r"], ["again"])
    good = {"r": report, "s": StageReport(A, progress=0.5)}
    assert set(believed(good, ["r", "s"], ["again"])) == {"s"}


@given(st.builds(StageReport, st.sampled_from(StageState), strange, strange, strange, strange, strange))
def test_numbers_are_numbers(report: StageReport) -> None:
    said = believed({"r": report, "other": report}, ["r"], ["again"])["r"]
    assert said.progress is None or 0 <= said.progress <= 1
    assert all(one is None or math.isfinite(one) for one in (said.at, said.ends_at))
    assert set(said.actions) <= {"again"}
    assert isinstance(said.message, str)


@pytest.mark.parametrize("answer", [None, [], "no", 3])
def test_an_answer_that_is_none(answer: object) -> None:
    with pytest.raises(InvalidResponse):
        believed(answer, ["r"], [])
    assert believed({}, ["r"], []) == {}


def test_small_differences_are_none() -> None:
    one = Said(A, at=1.0, progress=0.431, ends_at=100.0)
    assert same(one, Said(A, at=1.2, progress=0.429, ends_at=110.0))
    assert not same(one, Said(A, at=1.0, progress=0.441, ends_at=100.0))
    assert not same(one, Said(S, at=1.0, progress=0.431, ends_at=100.0))
    assert not same(one, None)
    assert same(None, None)
    assert percent(Said(A, progress=0.999)) == 99
    assert percent(Said(D, progress=1.0)) == 100
    assert percent(Said(A)) is None


def test_services_are_asked_only_of_what_was_sent() -> None:
    assert State.PENDING not in ON_THE_WAY
    assert State.AVAILABLE not in ON_THE_WAY
