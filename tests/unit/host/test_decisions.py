"""What becomes of the answers that plugins give when the core asks them to decide."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from medianest_core.host.decisions import Decisions, Reviewed
from medianest_core.host.hookcaller import Hooks
from medianest_core.host.registry import Registry
from medianest_core.sdk.fields import TitleKey
from medianest_core.sdk.markers import hookimpl
from medianest_core.sdk.media import MediaChoice
from medianest_core.sdk.permissions import Attempt, Denial
from medianest_core.sdk.requests import BackendChoice, RequestItem, Review, ReviewVerdict
from medianest_core.sdk.routes import Viewer

ITEM = RequestItem("movie", {"tmdb": "603"}, "The Matrix", 1999)
TITLE = TitleKey("1", "movie", {"tmdb": "603"}, "The Matrix", 1999)
HELD = (MediaChoice("one", "One", "a", "x", "11"), MediaChoice("two", "Two", "b", "y", "22"))
ANN = Viewer("1", "ann", "user", frozenset())
ATTEMPT = Attempt("GET", "/downloads")
ONE, TWO = BackendChoice("one", "One", "a", "x"), BackendChoice("two", "Two", "b", "y")


def decisions(hook: str, *answers: Any, deadline: float = 5.0, marks: Any = None) -> Decisions:
    """Plugins p0, p1, … that answer this; an exception is raised, "hang" never returns."""
    hooks, modules = Hooks(), list[ModuleType]()
    for number, answer in enumerate(answers):
        module = ModuleType(f"plugin_{number}")
        setattr(module, hook, hookimpl(**(marks or {}).get(number, {}))(_answer(hook, answer)))
        hooks.register(f"p{number}", module)
        modules.append(module)
    active = [SimpleNamespace(plugin=f"p{number}", module=module) for number, module in enumerate(modules)]
    registry = cast(Registry, SimpleNamespace(active=lambda: active))
    return Decisions(hooks, registry, lambda name: name, deadline)


def _answer(hook: str, answer: Any) -> Callable[..., Any]:
    async def say() -> Any:
        if answer == "hang":
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def review_request(item: RequestItem, user: str) -> Any:
        assert item == ITEM and user == "ann"
        return await say()

    async def choose_backend(context: Any, candidates: Any) -> Any:
        assert candidates == (ONE, TWO)
        return await say()

    async def resolve_media(title: TitleKey, candidates: Any) -> Any:
        assert title == TITLE and candidates == HELD
        return await say()

    async def authorize(viewer: Viewer, attempt: Attempt) -> Any:
        assert viewer == ANN and attempt == ATTEMPT
        return await say()

    return locals()[hook]  # type: ignore[no-any-return]  # one of these


HOLD, DECLINE = Review(ReviewVerdict.HOLD, "hm"), Review(ReviewVerdict.DECLINE, "no")
PASS = Review(ReviewVerdict.PASS, "fine")


async def test_nobody_against_it() -> None:
    assert await decisions("review_request").review_request(ITEM, "ann") == Reviewed()
    assert await decisions("review_request", None, PASS).review_request(ITEM, "ann") == Reviewed()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from([None, PASS, HOLD, DECLINE, "failure"]), max_size=5))
async def test_the_strictest_wins_and_a_failure_holds(answers: list[Any]) -> None:
    asked = decisions("review_request", *(ValueError() if one == "failure" else one for one in answers))
    found = await asked.review_request(ITEM, "ann")
    if DECLINE in answers:
        assert (found.verdict, found.reason) == (ReviewVerdict.DECLINE, "no")
    elif HOLD in answers or "failure" in answers:
        assert found.verdict is ReviewVerdict.HOLD and found.reason and found.plugin
    else:
        assert found.verdict is ReviewVerdict.PASS


async def test_one_that_hangs_or_talks_nonsense_holds() -> None:
    for answer in ("hang", "yes", True):
        found = await decisions("review_request", answer, deadline=0.05).review_request(ITEM, "ann")
        assert found.verdict is ReviewVerdict.HOLD and "p0" in found.reason


async def test_the_first_usable_choice_counts() -> None:
    choose = "choose_backend"
    assert await decisions(choose).choose_backend(ITEM, [ONE, TWO]) is None
    assert (
        await decisions(choose, ValueError(), None, "nowhere", "two").choose_backend(ITEM, [ONE, TWO])
        == "two"
    )
    ordered = decisions(choose, "one", "two", marks={1: {"tryfirst": True}})
    assert await ordered.choose_backend(ITEM, [ONE, TWO]) == "two"


async def test_a_single_candidate_needs_no_choice() -> None:
    assert await decisions("choose_backend", "two").choose_backend(ITEM, [ONE]) == "one"
    assert await decisions("choose_backend", "two").choose_backend(ITEM, []) is None


async def test_any_no_counts_and_so_does_a_failure() -> None:
    for answers, reason in (
        ((None, None), None),
        ((None, Denial("not today")), "not today"),
        ((None, Denial()), ""),
        ((ValueError(), None), "p0 could not check this request."),
        ((None, "yes"), "p1 could not check this request."),
    ):
        found = await decisions("authorize", *answers).authorize(ANN, ATTEMPT)
        assert (found.reason if found else None) == reason, answers
    late = decisions("authorize", "hang", deadline=0.05)
    assert await late.authorize(ANN, ATTEMPT) is not None


def test_most_portals_have_nobody_to_ask() -> None:
    assert decisions("authorize", None).guarded()
    assert not decisions("choose_backend", None).guarded() and not decisions("authorize").guarded()


async def test_the_first_instance_that_holds_it_opens_it() -> None:
    resolve = "resolve_media"
    assert await decisions(resolve, None).resolve_media(TITLE, HELD) is None
    said = decisions(resolve, ValueError(), None, "nowhere", "two", "one")
    assert await said.resolve_media(TITLE, HELD) == "two"
    assert await said.resolve_media(TITLE, HELD[:1]) is None, "there is nothing to choose"
