"""The way of a request as a pure function of what was decided and what services say of it.

Whatever order the reports came in, the steps are the same: what was decided in the order it was, then the stages in theirs, then
the end. One stage of several services (a request goes through one that hands it to another) is one step, told by whoever says most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from medianest_core.domain.activity.entries import Offer, Step
from medianest_core.domain.activity.reports import Said
from medianest_core.domain.requests.entries import Decision
from medianest_core.domain.requests.states import OPEN, UNDECIDED, State
from medianest_core.sdk.pipeline import PipelineStage, StageState

ON_THE_WAY = (State.APPROVED, State.SUBMITTING, State.PROCESSING, State.PARTIALLY_AVAILABLE)
"""States in which services are asked."""
_CLOSING = frozenset({State.AVAILABLE, State.FAILED, State.DECLINED, State.CANCELLED})
_SENT = frozenset({State.SUBMITTING, State.PROCESSING, State.PARTIALLY_AVAILABLE})
_TELLING = {StageState.WAITING: 0, StageState.DONE: 1, StageState.ACTIVE: 2, StageState.STUCK: 2}


@dataclass(frozen=True, slots=True)
class Word:
    """What one service says of a request in one stage. fresh: it answers now."""

    stage: PipelineStage
    plugin: str
    instance_id: str
    service: str
    said: Said
    fresh: bool = True


def stages(words: Iterable[Word], backend: str | None = None) -> list[Step]:
    """One step for each stage, in the stages' order. backend: instance that took the request, which is believed first."""
    named: dict[str, list[Word]] = {}
    for word in words:
        named.setdefault(word.stage.name, []).append(word)
    ordered = sorted(named.items(), key=lambda one: (min(word.stage.order for word in one[1]), one[0]))
    steps = [_step(max(said, key=lambda word: _weight(word, backend))) for _, said in ordered]
    return _passed(steps)


def _weight(word: Word, backend: str | None) -> tuple[object, ...]:
    said = word.said
    return (
        word.fresh,
        _TELLING[said.state],
        said.state is StageState.STUCK,
        bool(said.actions),
        said.progress is not None,
        said.ends_at is not None,
        said.at is not None,
        word.instance_id == backend,
        word.instance_id,
    )


def _step(word: Word) -> Step:
    said = word.said
    titles = {one.name: one.title for one in word.stage.actions}
    return Step(
        key=f"stage.{word.stage.name}",
        kind="stage",
        title=word.stage.title,
        state=said.state,
        at=said.at,
        progress=said.progress,
        ends_at=said.ends_at,
        message=said.message,
        plugin=word.plugin,
        instance_id=word.instance_id,
        service=word.service,
        stage=word.stage.name,
        actions=tuple(Offer(name, titles[name]) for name in said.actions if name in titles),
    )


def _passed(steps: Sequence[Step]) -> list[Step]:
    """What comes before something that is done was passed, even where a service has forgotten it."""
    last = max((number for number, one in enumerate(steps) if one.state is StageState.DONE), default=-1)
    return [
        replace(one, state=StageState.DONE, message="", actions=())
        if number < last and one.state is StageState.WAITING
        else one
        for number, one in enumerate(steps)
    ]


def timeline(state: str, decisions: Sequence[Decision], found: Sequence[Step]) -> list[Step]:
    """All steps. state: of the request now. found: its stages."""
    now = State(state)
    decided = [_decided(number, one, now) for number, one in enumerate(decisions)]
    closing = decided[-1:] if decided and now in _CLOSING and decisions[-1].after == now.value else []
    before = decided[: len(decided) - len(closing)]
    ahead: list[Step] = []
    if now in UNDECIDED:
        ahead.append(Step("ahead.approved", "ahead", State.APPROVED.value, StageState.WAITING))
    if now in OPEN:
        ahead.append(Step("ahead.available", "ahead", State.AVAILABLE.value, StageState.WAITING))
    return [*before, *_shown(now, decisions, found), *closing, *ahead]


def _decided(number: int, one: Decision, now: State) -> Step:
    return Step(
        key=f"decision.{number}",
        kind="decision",
        title=one.after,
        state=StageState.DONE,
        at=one.at,
        message=one.reason,
        decision=one,
    )


def _shown(now: State, decisions: Sequence[Decision], found: Sequence[Step]) -> list[Step]:
    """The stages that have a meaning in this state."""
    if now in UNDECIDED and not any(one.after in _SENT for one in decisions):
        return []
    if now is State.AVAILABLE:
        # It is there: whatever a service said last was on the way to that.
        return [
            replace(
                one, state=StageState.DONE, progress=None, ends_at=None, message="", actions=(), at=_end(one)
            )
            for one in found
        ]
    if now in _CLOSING:
        return [
            replace(one, actions=(), ends_at=None)
            for one in found
            if one.state in (StageState.DONE, StageState.STUCK)
        ]
    return list(found)


def _end(one: Step) -> float | None:
    """When it was done: known only of what was done when it was last asked for."""
    return one.at if one.state is StageState.DONE else None


def present(found: Sequence[Step]) -> Step | None:
    """The stage that a request is at: what keeps it, else what is under way, the one whose end is known first, else what it waits for."""
    for one in found:
        if one.state is StageState.STUCK:
            return one
    going = [one for one in found if one.state is StageState.ACTIVE]
    if going:
        return max(going, key=lambda one: (one.ends_at is not None, one.progress is not None))
    return next((one for one in found if one.state is StageState.WAITING), found[-1] if found else None)
