"""The frame of every contract: an instance over a service that can be made to misbehave, and the clauses as tests."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, cast

from medianest_core.cache.memory import MemoryCache
from medianest_core.host.errors import PluginFault
from medianest_core.host.guard import translate
from medianest_core.host.settings_models import secret_names
from medianest_core.sdk.capabilities import Capability, capabilities_of
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.http import Http
from medianest_core.sdk.service import Provider
from medianest_core.sdk.settings import ServiceSettings
from medianest_core.testing.connecting import INSTANCE as INSTANCE
from medianest_core.testing.connecting import made
from medianest_core.testing.contracts.clients import Clients
from medianest_core.testing.contracts.watching import no_secrets, secrets_of, watched
from medianest_core.testing.faults import Mode
from medianest_core.testing.simulators import Simulator, running

P = TypeVar("P", bound=Provider[Any, Any])
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Awaitable[None]])
_TERMS = "__contract_terms__"
PATIENCE = 60.0
"""Seconds anything may take on a busy machine."""


def clause(
    *needs: Capability, where: Callable[[type[Contract[Any]]], bool] | None = None
) -> Callable[[F], F]:
    """Marks a clause. needs: abilities without which it does not apply. where: what else must hold of the suite."""

    def mark(function: F) -> F:
        setattr(function, _TERMS, (frozenset(needs), where))
        return function

    return mark


def misbehaving(cls: type[Contract[Any]]) -> bool:
    """Whether the service can be made to misbehave."""
    return cls.simulator is not None and cls.asks and cls.fails


def answering(cls: type[Contract[Any]]) -> bool:
    """Whether what the service answers can be garbled."""
    return misbehaving(cls) and cls.answers


def with_secrets(cls: type[Contract[Any]]) -> bool:
    """Whether instances have a secret."""
    return bool(secret_names(cls.provider.service.settings))


def refusing(cls: type[Contract[Any]]) -> bool:
    """Whether the service can refuse the credentials."""
    return misbehaving(cls) and with_secrets(cls) and cls.refuses


class Contract(Generic[P]):
    """Base of the suites.

    provider: the class that is held to the contract. simulator: what stands in for its service, made with `options`; None where
    there is none. settings: on top of those of the simulator's demo instance. exempt: clause → why it cannot be met yet; the
    test is expected to fail, and fails when it does not. refuses: the service looks at credentials in the call that `read` makes.
    fails: that call fails where the service does; False where an outage is itself what it tells.
    answers: what the service says to that call is read, and not its status alone. away: how it is told that it is away.
    anew: start the service again for each clause, where clauses change it. outlasting: names of coroutines of the simulator that
    run on for a while after its clients are gone.
    """

    kind: ClassVar[type[Provider[Any, Any]]]
    provider: ClassVar[type[Provider[Any, Any]]]
    simulator: ClassVar[type[Simulator] | None] = None
    options: ClassVar[Mapping[str, Any]] = {}
    settings: ClassVar[Mapping[str, Any]] = {}
    exempt: ClassVar[Mapping[str, str]] = {}
    asks: ClassVar[bool] = True
    refuses: ClassVar[bool] = True
    fails: ClassVar[bool] = True
    answers: ClassVar[bool] = True
    away: ClassVar[tuple[type[Exception], ...]] = (NotReady,)
    anew: ClassVar[bool] = False
    outlasting: ClassVar[tuple[str, ...]] = ()
    _opened: ClassVar[Any] = None
    _runner: ClassVar[asyncio.Runner]
    _stack: ClassVar[contextlib.AsyncExitStack]

    subject: P
    stand_in: Simulator
    folder: Path

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if getattr(cls, "provider", None) is None:
            return
        known = clauses(cls)
        if mine := sorted(vars(cls).keys() & known.keys()):
            raise TypeError(
                f"{cls.__name__} overrides {', '.join(mine)}: name it in `exempt`, with the reason"
            )
        if unknown := sorted(cls.exempt.keys() - known.keys()):
            raise TypeError(f"{cls.__name__}.exempt names {', '.join(unknown)}, which is no clause")
        if blank := sorted(name for name, reason in cls.exempt.items() if not reason.strip()):
            raise TypeError(f"{cls.__name__}.exempt gives no reason for {', '.join(blank)}")
        for name, function in known.items():
            setattr(cls, name, _as_test(cls, name, function) if applies(cls, function) else None)

    async def read(self, provider: P) -> object:
        """The call of the kind that always asks the service. Raises what the provider raises."""
        raise NotImplementedError

    async def reset(self) -> None:
        """Before each clause: the service as it was at first. By default nothing is to be done."""

    # pytest calls these.
    @classmethod
    def setup_class(cls) -> None:
        cls._runner = asyncio.Runner()
        if not cls.anew:
            cls._open()

    @classmethod
    def teardown_class(cls) -> None:
        try:
            if not cls.anew:
                cls._close()
        finally:
            cls._runner.close()

    def setup_method(self) -> None:
        if self.anew:
            self._open()

    def teardown_method(self) -> None:
        if self.anew:
            self._close()

    @classmethod
    def _open(cls) -> None:
        cls._stack = contextlib.AsyncExitStack()
        cls._opened = cls()
        cls._runner.run(cls._stack.enter_async_context(cls._opened.opened()))

    @classmethod
    def _close(cls) -> None:
        cls._runner.run(cls._stack.aclose())

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """The service and one instance of it: `subject`, `stand_in`, `folder`."""
        async with contextlib.AsyncExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="contract-")))
            await stack.enter_async_context(self.surroundings())
            if self.simulator is not None:
                made = self.simulator(data_dir=self.folder, **self.options)
                await stack.enter_async_context(running(made))
                self.stand_in = made
            self._factory = Clients()
            self._factory.memory = MemoryCache()
            stack.push_async_callback(self._factory.close)
            self.subject = await stack.enter_async_context(self.another())
            yield

    @contextlib.asynccontextmanager
    async def surroundings(self) -> AsyncIterator[None]:
        """What else must be there while the suite runs; override where something must."""
        yield

    def values(self) -> dict[str, Any]:
        """Settings of an instance, as they are typed in."""
        named: Mapping[str, Any] = {}
        if self.simulator is not None:
            wanted = self.provider.service.name
            named = next(
                (one.settings for one in self.stand_in.demo_instances() if one.service == wanted), {}
            )
        return {**named, **self.settings}

    @contextlib.asynccontextmanager
    async def another(self, http: Http | None = None, **changed: Any) -> AsyncIterator[P]:
        """One more instance, closed at the end. http: its client, else one that reaches the service. changed: settings."""
        async with made(self.provider, self.config(**changed), self._factory, http) as provider:
            yield cast(P, provider)

    def config(self, **changed: Any) -> ServiceSettings:
        """Validated settings of an instance."""
        return cast(
            ServiceSettings, self.provider.service.settings.model_validate({**self.values(), **changed})
        )

    @property
    def secrets(self) -> list[str]:
        """Clear texts of the settings' secrets."""
        return secrets_of(self.config())

    async def keep(self, function: Callable[[Any], Awaitable[None]]) -> None:
        """Run one clause, with all that is looked after."""
        if self.simulator is not None:
            self.stand_in.faults.clear()
        # What was remembered of another clause's answers would be asked about, and not asked for.
        self._factory.memory = MemoryCache()
        await self.reset()
        with watched(self.provider.__module__.partition(".")[0], self.secrets):
            try:
                await function(self)
            except Exception as error:
                # What a clause does not expect is a broken promise too: every clause says what may happen.
                if not isinstance(error, AssertionError):
                    raise AssertionError(f"it stumbles: {error!r}") from error
                raise

    async def trouble(self, call: Callable[[], Awaitable[Any]]) -> Exception:
        """How the portal sees the failure of a call. Raises AssertionError where it does not fail, or by a mistake of its own."""
        try:
            async with asyncio.timeout(PATIENCE):
                said = await call()
        except Exception as error:
            seen = translate(error, "read")
            assert not isinstance(seen, PluginFault), f"it stumbles: {error!r}"
            assert str(seen).strip(), f"{type(seen).__name__} says nothing"
            no_secrets(f"{seen} {seen!r}", self.secrets, "the error")
            return seen
        raise AssertionError(f"it should fail, and says {said!r}")

    async def trouble_with(self, mode: Mode, **rule: Any) -> Exception:
        """How a new instance's `read` fails while the service misbehaves."""
        self.stand_in.faults.add(mode, **rule)
        async with self.another() as provider:
            return await self.trouble(lambda: self.read(provider))


def clauses(suite: type[Contract[Any]]) -> dict[str, Callable[..., Awaitable[None]]]:
    """All clauses of a suite by name, as they are written."""
    found: dict[str, Callable[..., Awaitable[None]]] = {}
    for base in reversed(suite.__mro__):
        found |= {name: member for name, member in vars(base).items() if hasattr(member, _TERMS)}
    return found


def applies(cls: type[Contract[Any]], function: Callable[..., Any]) -> bool:
    """Whether the clause is one for this suite's provider."""
    needs, where = getattr(function, _TERMS)
    return needs <= capabilities_of(cls.provider) and (where is None or bool(where(cls)))


def _as_test(cls: type[Contract[Any]], name: str, function: Callable[..., Awaitable[None]]) -> Any:
    def test(self: Any) -> None:
        cls._runner.run(cls._opened.keep(function))

    test.__name__, test.__doc__, test.__module__ = name, inspect.getdoc(function), cls.__module__
    test.__qualname__ = f"{cls.__qualname__}.{name}"
    if name in cls.exempt:
        import pytest

        return pytest.mark.xfail(reason=cls.exempt[name], strict=True)(test)
    return test
