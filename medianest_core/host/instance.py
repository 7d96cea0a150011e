"""One configured service in this process: its client, its providers, and the loop that sets it up and watches it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from medianest_core.base.breaker import Breaker, BreakerState
from medianest_core.base.bulkhead import Bulkhead
from medianest_core.base.clock import Clock
from medianest_core.base.crypto import Keyring
from medianest_core.base.egress import EgressPolicy
from medianest_core.base.logging import get_logger
from medianest_core.base.tasks import bounded, end, spawn
from medianest_core.base.texts import N_
from medianest_core.host.answers import require
from medianest_core.host.calls import CallRule
from medianest_core.host.declarations import Declarations, Kind
from medianest_core.host.errors import PluginFault, SettingsUnreadable
from medianest_core.host.faults import Noting
from medianest_core.host.guard import Guard, translate
from medianest_core.host.health import HealthLog
from medianest_core.host.instance_rows import InstanceRow
from medianest_core.host.proxy import guarded
from medianest_core.host.settings_store import fingerprint, open_settings
from medianest_core.host.states import InstanceState
from medianest_core.sdk.errors import AuthFailed, MediaNestError, NotReady, RateLimited
from medianest_core.sdk.service import CheckResult, Provider, ServiceType
from medianest_core.sdk.settings import ServiceSettings
from medianest_core.sdk.status import Snapshot, StatusProvider

if TYPE_CHECKING:
    from medianest_core.base.http import GuardedHttp
    from medianest_core.base.http_factory import HttpFactory

T = TypeVar("T")
_log = get_logger(__name__)
CHECK_DEADLINE = 15.0
POLL = 60.0
BACK_OFF = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
REAUTH_BACK_OFF = (10.0, 30.0, 60.0)
_CRASHES, _CRASH_WINDOW = 3, 600.0
_QUIET = 2.0
_CONFIRM_AFTER = 1.0


@dataclass(frozen=True, slots=True)
class InstanceInfo:
    """What is known of an instance. since, next_at: epoch seconds of the present state and of the next try.

    version: of the row, for editing. service_version: of the service, where it tells.
    """

    id: str
    plugin: str
    service: str
    name: str
    title: str
    enabled: bool
    state: InstanceState
    reason: str
    since: float
    next_at: float | None
    version: int
    service_version: str | None = None

    @property
    def ready(self) -> bool:
        return self.state is InstanceState.READY


@dataclass(frozen=True)
class Surroundings:
    """What an instance needs from the host. changed: called after each change of state with (before, now). fault: told of the
    plugin's mistakes."""

    clock: Clock
    keyring: Keyring
    http: HttpFactory
    policy: Callable[[ServiceSettings], EgressPolicy]
    data_dir: Path
    changed: Callable[[InstanceInfo, InstanceInfo], Awaitable[None]]
    suspend: Callable[[str, str], Awaitable[None]]
    timer: Callable[[], float] = time.monotonic
    poll: float = POLL
    fault: Noting = lambda *_: None


@dataclass
class _Connected:
    config: ServiceSettings
    http: GuardedHttp
    client: Any
    providers: Mapping[Kind, Provider[Any, Any]]
    proxies: dict[Kind, Any] = field(default_factory=dict)


class Instance:
    """Runs from `start` to `close`. All states are reached in `_run`, one task."""

    def __init__(self, row: InstanceRow, declared: Declarations, around: Surroundings) -> None:
        self.row = row
        self._declared = declared
        self._type: ServiceType[Any, Any] = declared.services[row.service]
        self._around = around
        self._connected: _Connected | None = None
        self.breaker = Breaker(around.timer)
        self.health = HealthLog(around.clock, self.breaker)
        self._guard = Guard(
            plugin=row.plugin,
            instance=row.name,
            breaker=self.breaker,
            bulkhead=Bulkhead(),
            health=self.health,
            on_trouble=self._trouble,
            on_fault=around.fault,
            timer=around.timer,
        )
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._crashes: deque[float] = deque(maxlen=_CRASHES)
        self._checked = float("-inf")
        self._was_up: bool | None = None
        self._info = InstanceInfo(
            id=row.id,
            plugin=row.plugin,
            service=row.service,
            name=row.name,
            title=row.title,
            enabled=row.enabled,
            state=InstanceState.NEW,
            reason="",
            since=around.clock.now(),
            next_at=None,
            version=row.version,
        )

    @property
    def info(self) -> InstanceInfo:
        return self._info

    @property
    def kinds(self) -> frozenset[Kind]:
        """Provider kinds of this service type."""
        return frozenset(self._declared.of_service(self.row.service))

    def provider_class(self, kind: Kind) -> type[Provider[Any, Any]] | None:
        return self._declared.of_service(self.row.service).get(kind)

    def api(self, kind: Kind) -> Any | None:
        """The guarded provider, or None before the first connection."""
        connected = self._connected
        if connected is None:
            return None
        if kind not in connected.proxies:
            connected.proxies[kind] = guarded(connected.providers[kind], kind, self._guard)
        return connected.proxies[kind]

    @property
    def client(self) -> Any:
        """What `connect` made. Raises NotReady before the first connection."""
        if self._connected is None:
            raise NotReady(self._info.reason or "The service is not set up yet.")
        return self._connected.client

    async def use(self, rule: CallRule, what: str, function: Callable[[Any], Awaitable[T]]) -> T:
        """The result of function(client), guarded like a provider's call. what: for the log. Raises errors of the SDK."""
        return await self._guard.call(rule, what, lambda: function(self.client))

    def start(self, after: float = 0.0) -> None:
        """Begin to set up; returns at once. after: seconds to wait before the first attempt."""
        if not self.row.enabled:
            self._info = replace(self._info, state=InstanceState.CLOSED, reason=N_("Switched off."))
            return
        if self.row.suspended_fingerprint == fingerprint(self.row.stored):
            self._info = replace(
                self._info,
                state=InstanceState.SUSPENDED,
                reason=N_("The plugin crashed three times with these settings. Change them, or retry."),
            )
            return
        self._task = spawn(self._run(after), f"instance:{self.row.plugin}:{self.row.name}")

    async def settled(self, deadline: float) -> None:
        """Wait until the first attempt has ended one way or the other, at most `deadline` seconds."""
        if self._task is not None and not self._task.done():
            waiter = asyncio.ensure_future(self._settled.wait())
            await asyncio.wait({waiter, self._task}, timeout=deadline, return_when=asyncio.FIRST_COMPLETED)
            waiter.cancel()

    def retry(self) -> None:
        """Try again now, with a clean slate."""
        if not self.row.enabled:
            return
        self._failures = 0
        self._crashes.clear()
        self._checked = float("-inf")
        self.breaker.reset()
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = spawn(self._run(), f"instance:{self.row.plugin}:{self.row.name}")

    async def close(self) -> None:
        """Stop watching and let go of the client. Never raises."""
        if self._task is not None:
            await end(self._task)
            self._task = None
        await self._disconnect()
        self._info = replace(self._info, state=InstanceState.CLOSED, reason="", next_at=None)

    async def _run(self, after: float = 0.0) -> None:
        if after:
            await self._sleep(after)
        await self._become(InstanceState.SETTING_UP)
        while True:
            pause = await self._attempt()
            self._settled.set()
            if pause is None:
                return
            await self._sleep(pause)

    async def _attempt(self) -> float | None:
        """One round of connect and check; seconds until the next, or None where only an admin can help."""
        try:
            result = await self._try_twice()
        except SettingsUnreadable as error:
            await self._become(InstanceState.FAILED, str(error))
            return None
        except AuthFailed as error:
            pause = self._back_off(REAUTH_BACK_OFF)
            await self._become(InstanceState.NEEDS_REAUTH, str(error), pause)
            return pause
        except PluginFault as error:
            return await self._crashed(error)
        except MediaNestError as error:
            pause = self._back_off(BACK_OFF)
            if isinstance(error, RateLimited) and error.retry_after:
                pause = max(pause, min(error.retry_after, 600.0))
            await self._become(InstanceState.RETRYING, str(error), pause)
            return pause
        self._failures = 0
        if self.breaker.state is not BreakerState.CLOSED:
            self.breaker.reset()
        self.health.good()
        self._info = replace(self._info, service_version=result.version or self._info.service_version)
        await self._become(InstanceState.READY)
        return self._around.poll

    async def _try_twice(self) -> CheckResult:
        try:
            return await self._try()
        except SettingsUnreadable:
            raise
        except MediaNestError as error:
            self.health.bad(str(error))
            if not self._info.ready or isinstance(error, PluginFault):
                raise
        # One lost packet is no outage: what was ready a moment ago is asked once more before it is called down.
        await asyncio.sleep(_CONFIRM_AFTER)
        return await self._try()

    async def _try(self) -> CheckResult:
        self._checked = self._around.timer()
        try:
            if self._connected is None:
                self._connected = await self._connect()
            if not self._can_check and self.breaker.state is BreakerState.OPEN:
                raise NotReady(self.health.last_error or "The service failed repeatedly.")
            return await bounded(
                run_check(
                    self.row.plugin,
                    self._type,
                    self._connected.config,
                    self._connected.client,
                    self._status(),
                ),
                CHECK_DEADLINE,
            )
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise PluginFault("The plugin cancelled its own check.") from None
        except Exception as error:
            translated = translate(error, "check")
            if isinstance(translated, PluginFault):
                _log.error("check crashed", plugin=self.row.plugin, instance=self.row.name, exc_info=error)
                self._around.fault(self.row.plugin, "check", error)
            raise translated from error

    async def _connect(self) -> _Connected:
        around = self._around
        config = open_settings(
            self._type.settings, self.row.stored, around.keyring, self.row.id, protected=around.data_dir
        )
        http = make_http(around.http, around.policy, config)
        try:
            client = (
                await bounded(self._type.connect(config, http), CHECK_DEADLINE)
                if self._type.connect
                else http
            )
            providers = {
                kind: one(self.row.id, config, http, client)
                for kind, one in self._declared.of_service(self.row.service).items()
            }
        except BaseException:
            await http.aclose()
            raise
        return _Connected(config, http, client, providers)

    async def _disconnect(self) -> None:
        connected, self._connected = self._connected, None
        if connected is None:
            return
        try:
            if self._type.close is not None:
                await bounded(self._type.close(connected.client), 5.0)
        except Exception as error:
            _log.warning("closing failed", plugin=self.row.plugin, instance=self.row.name, exc_info=error)
        await connected.http.aclose()

    @property
    def _can_check(self) -> bool:
        return self._type.check is not None or self._status() is not None

    def _status(self) -> StatusProvider[Any, Any] | None:
        found = self._connected.providers.get(StatusProvider) if self._connected else None
        return found if isinstance(found, StatusProvider) else None

    async def _crashed(self, error: PluginFault) -> float | None:
        now = self._around.timer()
        self._crashes.append(now)
        await self._disconnect()
        if len(self._crashes) == _CRASHES and now - self._crashes[0] <= _CRASH_WINDOW:
            await self._around.suspend(self.row.id, fingerprint(self.row.stored))
            await self._become(
                InstanceState.SUSPENDED,
                N_("{reason} It did so three times; it is left alone until you retry.").format(reason=error),
            )
            return None
        pause = self._back_off(BACK_OFF)
        await self._become(InstanceState.RETRYING, str(error), pause)
        return pause

    def _back_off(self, steps: tuple[float, ...]) -> float:
        pause = steps[min(self._failures, len(steps) - 1)]
        self._failures += 1
        return pause

    def _trouble(self, _: Exception) -> None:
        """A call failed: look now rather than at the next poll."""
        if self._info.ready:
            self._wake.set()

    async def _sleep(self, seconds: float) -> None:
        """Until the time is up or someone wants a check sooner, but never twice within two seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
                quiet = self._checked + _QUIET - self._around.timer()
                if quiet > 0:
                    await asyncio.sleep(quiet)
        except TimeoutError:
            pass
        self._wake.clear()

    async def _become(self, state: InstanceState, reason: str = "", pause: float | None = None) -> None:
        before, now = self._info, self._around.clock.now()
        self._info = replace(
            before,
            state=state,
            reason=reason,
            since=before.since if before.state is state else now,
            next_at=None if pause is None else now + pause,
        )
        up = state is InstanceState.READY
        if state is not InstanceState.SETTING_UP and up is not self._was_up:
            log = _log.info if up else _log.warning
            if not (up and self._was_up is None):
                log(
                    "service is up" if up else "service is down",
                    plugin=self.row.plugin,
                    instance=self.row.name,
                    reason=reason,
                )
            self._was_up = up
        if self._info != before:
            await self._around.changed(before, self._info)


async def run_check(
    plugin: str,
    service: ServiceType[Any, Any],
    config: ServiceSettings,
    client: Any,
    status: StatusProvider[Any, Any] | None,
) -> CheckResult:
    """The service type's own check, else a snapshot of its status, else nothing but the connection itself.

    Raises what these raise, and PluginFault where they return something else than they should.
    """
    if service.check is not None:
        result = await service.check(config, client)
        require(result, CheckResult, plugin=plugin, promise="ServiceType.check", provider=service.name)
        return result
    if status is not None:
        snapshot = await status.snapshot()
        require(
            snapshot,
            Snapshot,
            plugin=plugin,
            promise="StatusProvider.snapshot",
            provider=type(status).__name__,
        )
        down = [item.name for item in snapshot.items if item.up is False]
        message = (
            N_("It answers; down: {items}.").format(items=", ".join(down[:5])) if down else N_("It answers.")
        )
        return CheckResult(message, snapshot.version)
    return CheckResult(N_("The settings are complete. This service offers no test."))


def make_http(
    factory: HttpFactory, policy: Callable[[ServiceSettings], EgressPolicy], config: ServiceSettings
) -> GuardedHttp:
    """The client of one instance. A settings field `verify_tls` that is off accepts any certificate."""
    return factory.for_instance(
        config.base_url(), policy(config), verify_tls=bool(getattr(config, "verify_tls", True))
    )
