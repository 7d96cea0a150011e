"""What can be wrong with any provider, whatever its kind."""

from __future__ import annotations

import abc
import asyncio
import dataclasses
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import field_serializer, field_validator

from medianest_core.sdk import (
    AuthFailed,
    CheckResult,
    InvalidResponse,
    NotFound,
    NotReady,
    ProviderError,
    RateLimited,
    Rejected,
    optional,
)
from tests.kitchen_sink.service import SINK, SinkSettings
from tests.mutants.wrong import Collection


class Loud(SinkSettings):
    @field_serializer("key")
    def _clear(self, value: Any) -> str:
        return str(value.reveal())


class Growing(SinkSettings):
    @field_validator("extras")
    @classmethod
    def _one_more(cls, value: list[str]) -> list[str]:
        return [*value, "more"]


class Camel(SinkSettings):
    pathPrefix: str = ""  # the fault


class Odd(SinkSettings):
    pair: tuple[int, ...] = ()


class Addresses(SinkSettings):
    def hosts(self) -> Sequence[str]:
        return [str(self.url)]


class Told:
    """An answer with a note of what nobody should know."""

    def __init__(self, said: Any, note: str) -> None:
        self._said, self._note = said, note

    def __getattr__(self, name: str) -> Any:
        return getattr(self._said, name)

    def __repr__(self) -> str:
        return f"{self._said!r} {self._note}"


def _service(settings: type[SinkSettings] = SinkSettings, **changed: Any) -> Any:
    return dataclasses.replace(SINK, settings=settings, **changed)


async def _speechless(settings: Any, client: Any) -> CheckResult:
    return CheckResult("")


async def _content(settings: Any, client: Any) -> CheckResult:
    return CheckResult("All is well.")


FOR_ALL = frozenset(
    {
        "test_a_service_that_is_away_is_not_ready",
        "test_refused_credentials_are_told",
        "test_a_call_that_is_cancelled_ends",
        "test_it_reaches_the_service_by_its_own_client_alone",
        "test_once_closed_nothing_of_it_runs_on",
    }
)
"""Clauses of all kinds that are tried with each of them; for the others one kind is enough."""


def add_all(mutants: Collection, read: str, empty: Any, *, everything: bool = False) -> None:
    """read: name of the method that the suite's `read` calls. empty: an answer of that method that says nothing."""
    base = mutants.suite.provider
    sound = getattr(base, read)

    def add(clause: str, name: str, **members: Any) -> None:
        if everything or clause in FOR_ALL:
            mutants.add(clause, name, **members)

    def instead(told: type[Exception], said: Callable[[Exception], Exception] | None) -> dict[str, Any]:
        """The method, telling one error as another, or as an empty answer."""

        async def method(self: Any, *arguments: Any, **options: Any) -> Any:
            try:
                return await sound(self, *arguments, **options)
            except told as error:
                if said is None:
                    return empty
                raise said(error) from error

        return {read: method}

    def before(act: Callable[[Any], Any]) -> dict[str, Any]:
        """The method, after something else was done."""

        async def method(self: Any, *arguments: Any, **options: Any) -> Any:
            act(self)
            return await sound(self, *arguments, **options)

        return {read: method}

    def plain(self: Any, *arguments: Any, **options: Any) -> Any:
        return sound(self, *arguments, **options)

    async def demanding(self: Any, *arguments: Any, language: str, **options: Any) -> Any:
        return await sound(self, *arguments, **options)

    async def deaf(self: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return await sound(self, *arguments, **options)
        except asyncio.CancelledError:
            return empty

    async def latched(self: Any, *arguments: Any, **options: Any) -> Any:
        if getattr(self, "gone", False):
            raise NotReady("It was away once.")
        try:
            return await sound(self, *arguments, **options)
        except ProviderError:
            self.gone = True
            raise

    first: list[Any] = []

    async def kept(self: Any, *arguments: Any, **options: Any) -> Any:
        first.append(self.http)
        self.http = first[0]
        return await sound(self, *arguments, **options)

    async def alone(self: Any, *arguments: Any, **options: Any) -> Any:
        if getattr(self, "busy", False):
            raise RuntimeError("one at a time")
        self.busy = True
        try:
            return await sound(self, *arguments, **options)
        finally:
            self.busy = False

    def eager(self: Any, *arguments: Any) -> None:
        base.__init__(self, *arguments)
        self.asking = asyncio.ensure_future(self.http.post("/version"))
        self.asking.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def telling(self: Any, *arguments: Any, **options: Any) -> Any:
        return Told(await sound(self, *arguments, **options), self.config.key.reveal())

    add(
        "test_it_is_a_finished_provider_of_its_kind",
        "one method is only named",
        **{read: abc.abstractmethod(says_none)},
    )
    add(
        "test_methods_have_the_colour_of_the_kind",
        "a plain function where an async one is due",
        **{read: plain},
    )
    add("test_methods_take_what_the_kind_hands_over", "asks for more than it is given", **{read: demanding})
    add("test_making_one_asks_nobody", "asks the service as soon as it is made", __init__=eager)
    add("test_settings_make_a_form", "fields with capitals", service=_service(Camel))
    add(
        "test_settings_come_back_from_the_store_as_they_were", "settings that grow", service=_service(Growing)
    )
    add("test_settings_never_show_a_secret", "writes its secret in clear", service=_service(Loud))
    add(
        "test_settings_name_the_hosts_that_may_be_reached", "addresses for hosts", service=_service(Addresses)
    )
    add("test_what_it_says_holds_no_secret", "tells its key", **{read: telling})
    add("test_what_it_says_holds_no_secret", "writes its key into the log", **before(_logs))
    add("test_what_it_says_holds_no_secret", "sleeps on the event loop", **before(_sleeps))
    add("test_several_may_ask_at_once", "one call at a time", **{read: alone})
    add("test_a_service_that_is_away_is_not_ready", "nothing there is an answer", **instead(NotReady, None))
    add(
        "test_a_service_that_fails_is_not_ready",
        "takes an error of the service for a no",
        **instead(NotReady, lambda _: Rejected("No.")),
    )
    add(
        "test_refused_credentials_are_told",
        "takes a refusal for an outage",
        **instead(AuthFailed, lambda _: NotReady("Away.")),
    )
    add(
        "test_asked_to_slow_down_it_says_for_how_long",
        "forgets how long",
        **instead(RateLimited, lambda _: RateLimited("Slower.")),
    )
    add(
        "test_nonsense_is_no_answer",
        "takes nonsense for an outage",
        **instead(InvalidResponse, lambda _: NotReady("Away.")),
    )
    add("test_a_sign_in_page_is_no_answer", "nonsense is an empty answer", **instead(InvalidResponse, None))
    add(
        "test_half_an_answer_is_none",
        "half an answer means there is none",
        **instead(ProviderError, lambda _: NotFound("Nothing.")),
    )
    add("test_it_is_well_again_when_the_service_is", "sulks", **{read: latched})
    add("test_a_call_that_is_cancelled_ends", "does not care to be cancelled", **{read: deaf})
    add(
        "test_it_reaches_the_service_by_its_own_client_alone",
        "all use the client of the first",
        **{read: kept},
    )
    add("test_once_closed_nothing_of_it_runs_on", "leaves a task behind", **before(_spawns))
    add("test_the_check_says_what_it_found", "a check without words", service=_service(check=_speechless))
    add(
        "test_the_check_fails_where_the_service_is_away",
        "a check that looks at nothing",
        service=_service(check=_content),
    )


def add_hidden(mutants: Collection, name: str, ability: Any) -> None:
    """A method that answers though it does not count as there."""

    @optional(ability)
    async def hidden(self: Any, *arguments: Any, **options: Any) -> Any:
        return []

    mutants.add("test_what_it_cannot_do_is_unsupported", "has an ability that it denies", **{name: hidden})


async def says_none(self: Any, *arguments: Any, **options: Any) -> None:
    return None


def _logs(self: Any) -> None:
    logging.getLogger("tests.kitchen_sink.status").debug("asking with %s", self.config.key.reveal())


def _sleeps(self: Any) -> None:
    time.sleep(0.001)


def _spawns(self: Any) -> None:
    self.left = asyncio.ensure_future(asyncio.sleep(3600))
