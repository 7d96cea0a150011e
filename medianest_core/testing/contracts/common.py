"""Clauses that hold for every kind of provider."""

from __future__ import annotations

import abc
import asyncio
import inspect
import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

from medianest_core.host.settings_models import settings_problems
from medianest_core.sdk.capabilities import Capability, capabilities_of
from medianest_core.sdk.errors import (
    AuthFailed,
    InvalidResponse,
    NotReady,
    ProviderError,
    RateLimited,
    Unsupported,
)
from medianest_core.sdk.service import CheckResult, Provider, ServiceType
from medianest_core.sdk.settings import MASK, ServiceSettings
from medianest_core.testing.contracts.clients import NobodyThere
from medianest_core.testing.contracts.contract import (
    INSTANCE,
    PATIENCE,
    Contract,
    P,
    answering,
    clause,
    misbehaving,
    refusing,
    with_secrets,
)
from medianest_core.testing.contracts.watching import no_secrets

LINGERING = 1000
"""How often it is looked whether what was closed has ended, 20 ms apart."""
_HOST = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._*-]+)(?::\d{1,5})?")


def asking(cls: type[Contract[Any]]) -> bool:
    """Whether `read` asks a service that is there."""
    return cls.asks


def through_http(cls: type[Contract[Any]]) -> bool:
    """Whether what it asks goes through the client that it is given."""
    return misbehaving(cls)


def checked(cls: type[Contract[Any]]) -> bool:
    """Whether the service type has a check of its own."""
    return misbehaving(cls) and cls.provider.service.check is not None


class CommonContract(Contract[P]):
    @clause()
    async def test_it_is_a_finished_provider_of_its_kind(self) -> None:
        assert issubclass(self.provider, self.kind)
        missing = sorted(getattr(self.provider, "__abstractmethods__", ()))
        assert not inspect.isabstract(self.provider), f"it lacks {', '.join(missing)}"
        assert isinstance(self.provider.service, ServiceType)
        assert issubclass(self.provider.service.settings, ServiceSettings)

    @clause()
    async def test_methods_have_the_colour_of_the_kind(self) -> None:
        for name, (said, meant) in self._methods().items():
            assert _colour(said) == _colour(meant) or _streams(said, meant), (
                f"{name} is {_colour(said)}, the kind says {_colour(meant)}"
            )

    @clause()
    async def test_methods_take_what_the_kind_hands_over(self) -> None:
        for name, (said, meant) in self._methods().items():
            positional: list[Any] = []
            named: dict[str, Any] = {}
            for parameter in inspect.signature(meant).parameters.values():
                if parameter.kind is parameter.KEYWORD_ONLY:
                    named[parameter.name] = None
                else:
                    positional.append(None)
            try:
                inspect.signature(said).bind(*positional, **named)
            except TypeError as error:
                raise AssertionError(f"{name}: {error}") from None
            optional = [
                one.name
                for one in inspect.signature(meant).parameters.values()
                if one.default is not one.empty
            ]
            bare = inspect.signature(said).parameters
            wrong = [
                one for one in optional if one not in bare or bare[one].default is inspect.Parameter.empty
            ]
            assert not wrong, f"{name}: the portal may leave out {', '.join(wrong)}"

    @clause()
    async def test_an_ability_is_there_as_a_whole(self) -> None:
        marked = _marked(self.kind)
        for ability in capabilities_of(self.provider):
            missing = [name for name, of in marked.items() if of is ability and not self._overrides(name)]
            assert not missing, f"{ability.value} needs {', '.join(missing)} too"

    @clause()
    async def test_what_it_cannot_do_is_unsupported(self) -> None:
        able = capabilities_of(self.provider)
        for name, ability in _marked(self.kind).items():
            if ability in able:
                continue
            method = getattr(self.subject, name)
            needed = [
                one for one in inspect.signature(method).parameters.values() if one.default is one.empty
            ]
            count = sum(one.kind is one.POSITIONAL_OR_KEYWORD for one in needed)
            named = {one.name: None for one in needed if one.kind is one.KEYWORD_ONLY}
            try:
                said = method(*([None] * count), **named)
                if inspect.isawaitable(said):
                    await said
            except Unsupported as error:
                assert str(error).strip()
            else:
                raise AssertionError(f"{name} should be unsupported")

    @clause()
    async def test_making_one_asks_nobody(self) -> None:
        http = NobodyThere()
        self.provider(INSTANCE, self.config(), http, self.subject.client)
        await asyncio.sleep(0)
        assert http.asked == [], f"it asks {http.asked} before anyone called it"

    @clause()
    async def test_settings_make_a_form(self) -> None:
        schema = self.provider.service.settings.model_json_schema()
        assert json.loads(json.dumps(schema)) == schema
        assert settings_problems(self.provider.service.settings) == []
        names = [name for name in self.provider.service.settings.model_fields if not _WORD.fullmatch(name)]
        assert not names, f"{', '.join(names)}: lower-case words make a form's fields"

    @clause()
    async def test_settings_come_back_from_the_store_as_they_were(self) -> None:
        model, config = self.provider.service.settings, self.config()
        stored = config.model_dump(mode="json", context={"seal_secret": lambda clear: f"sealed:{clear}"})
        again = model.model_validate(
            json.loads(json.dumps(stored)),
            context={"open_secret": lambda sealed: sealed.removeprefix("sealed:")},
        )
        assert again == config

    @clause(where=with_secrets)
    async def test_settings_never_show_a_secret(self) -> None:
        config = self.config()
        shown = f"{config} {config!r} {config.model_dump()} {config.model_dump_json()}"
        no_secrets(shown, self.secrets, "what is shown of the settings")
        assert not self.secrets or MASK in shown, "a secret that is there is shown as a mask"

    @clause()
    async def test_settings_name_the_hosts_that_may_be_reached(self) -> None:
        hosts = self.config().hosts()
        assert not isinstance(hosts, str)
        wrong = [one for one in hosts if not _HOST.fullmatch(one)]
        assert not wrong, f"{', '.join(wrong)}: as host or host:port"

    @clause(where=asking)
    async def test_what_it_says_holds_no_secret(self) -> None:
        said = await self.read(self.subject)
        no_secrets(f"{said!r}", self.secrets, "what it says")

    @clause(where=asking)
    async def test_several_may_ask_at_once(self) -> None:
        one = await self.read(self.subject)
        calls = (self.read(self.subject) for _ in range(4))
        several = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(said) for said in several} == {type(one)}, several

    @clause(where=misbehaving)
    async def test_a_service_that_is_away_is_not_ready(self) -> None:
        error = await self.trouble_with("down")
        assert isinstance(error, self.away), f"it says {error!r}"

    @clause(where=misbehaving)
    async def test_a_service_that_fails_is_not_ready(self) -> None:
        error = await self.trouble_with("500")
        assert isinstance(error, NotReady), f"it says {error!r}"

    @clause(where=refusing)
    async def test_refused_credentials_are_told(self) -> None:
        error = await self.trouble_with("401")
        assert isinstance(error, AuthFailed), f"it says {error!r}"

    @clause(where=misbehaving)
    async def test_asked_to_slow_down_it_says_for_how_long(self) -> None:
        error = await self.trouble_with("429", seconds=7)
        assert isinstance(error, RateLimited), f"it says {error!r}"
        assert error.retry_after == 7

    @clause(where=answering)
    async def test_nonsense_is_no_answer(self) -> None:
        error = await self.trouble_with("garbage")
        assert isinstance(error, InvalidResponse), f"it says {error!r}"

    @clause(where=answering)
    async def test_a_sign_in_page_is_no_answer(self) -> None:
        error = await self.trouble_with("html")
        assert isinstance(error, ProviderError), f"it says {error!r}"

    @clause(where=answering)
    async def test_half_an_answer_is_none(self) -> None:
        error = await self.trouble_with("truncated")
        assert isinstance(error, (*self.away, InvalidResponse)), f"it says {error!r}"

    @clause(where=misbehaving)
    async def test_it_is_well_again_when_the_service_is(self) -> None:
        async with self.another() as provider:
            self.stand_in.faults.add("500")
            await self.trouble(lambda: self.read(provider))
            self.stand_in.faults.clear()
            try:
                await self.read(provider)
            except ProviderError as error:
                raise AssertionError(f"the service is back, and it says {error!r}") from error

    @clause(where=misbehaving)
    async def test_a_call_that_is_cancelled_ends(self) -> None:
        self.stand_in.faults.add("hang")
        async with self.another() as provider:
            call = asyncio.ensure_future(self.read(provider))
            await asyncio.sleep(0.02)
            assert not call.done(), "it does not wait for the answer"
            call.cancel()
            await asyncio.wait({call}, timeout=PATIENCE)
            self.stand_in.faults.clear()
            assert call.cancelled(), "it swallows being cancelled"

    @clause(where=through_http)
    async def test_it_reaches_the_service_by_its_own_client_alone(self) -> None:
        await self.read(self.subject)
        http = NobodyThere(self.config().base_url())
        async with self.another(http) as cut_off:
            error = await self.trouble(lambda: self.read(cut_off))
        assert http.asked, f"it asks by another client, and says {error!r}"

    @clause(where=asking)
    async def test_once_closed_nothing_of_it_runs_on(self) -> None:
        tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
        async with self.another() as provider:
            await self.read(provider)
        left: list[str] = []
        for _ in range(LINGERING):
            left = [_named(one) for one in asyncio.all_tasks() - tasks if not one.done()]
            left = [name for name in left if not name.startswith(self.outlasting or ("\0",))]
            left += [
                one.name
                for one in set(threading.enumerate()) - threads
                if one.is_alive() and not one.name.startswith(("asyncio_", "ThreadPoolExecutor"))
            ]
            if not left:
                break
            await asyncio.sleep(0.02)
        assert not left, f"still running: {', '.join(left)}"

    @clause(where=checked)
    async def test_the_check_says_what_it_found(self) -> None:
        check = self.provider.service.check
        assert check is not None
        found = await check(self.subject.config, self.subject.client)
        assert isinstance(found, CheckResult)
        assert found.message.strip(), "one sentence for the admin"
        no_secrets(f"{found!r}", self.secrets, "the check's result")

    @clause(where=checked)
    async def test_the_check_fails_where_the_service_is_away(self) -> None:
        check = self.provider.service.check
        assert check is not None
        self.stand_in.faults.add("down")
        async with self.another() as provider:
            error = await self.trouble(lambda: check(provider.config, provider.client))
        assert isinstance(error, ProviderError), f"it says {error!r}"

    def _overrides(self, name: str) -> bool:
        return getattr(self.provider, name) is not getattr(self.kind, name)

    def _methods(self) -> Mapping[str, tuple[Callable[..., Any], Callable[..., Any]]]:
        """Name → (of the provider, of the kind) of all that the kind names and the provider has."""
        return {
            name: (getattr(self.provider, name), getattr(self.kind, name))
            for base in self.kind.__mro__
            if base not in (object, Provider, abc.ABC)
            for name, member in vars(base).items()
            if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, classmethod))
            if self._overrides(name)
        }


_WORD = re.compile(r"[a-z][a-z0-9_]*")


def _marked(kind: type[Provider[Any, Any]]) -> dict[str, Capability]:
    """Optional methods of a kind by name."""
    found = {
        name: getattr(member, "__medianest_capability__", None) for name, member in inspect.getmembers(kind)
    }
    return {name: ability for name, ability in found.items() if isinstance(ability, Capability)}


def _named(task: asyncio.Task[Any]) -> str:
    return str(getattr(task.get_coro(), "__qualname__", task))


def _colour(function: Callable[..., Any]) -> str:
    if inspect.iscoroutinefunction(function):
        return "async"
    return "an async generator" if inspect.isasyncgenfunction(function) else "plain"


def _streams(said: Callable[..., Any], meant: Callable[..., Any]) -> bool:
    """A stream may be written as an async generator, or hand over one that something else made."""
    return "AsyncIterator" in str(inspect.signature(meant).return_annotation) and _colour(said) != "async"
