"""Apprise: notifications to the many services that the library of that name knows, at addresses that people enter themselves."""

from __future__ import annotations

from typing import Any, ClassVar

from medianest_core.builtin.apprise.address import checked, masked
from medianest_core.builtin.apprise.settings import AppriseSettings
from medianest_core.sdk import (
    N_,
    CheckResult,
    Http,
    Manifest,
    Message,
    Notifier,
    Notifiers,
    ServiceType,
    hookimpl,
)

manifest = Manifest(
    "apprise",
    title=N_("Apprise"),
    api="1.0",
    description=N_(
        "Sends people their notifications by ntfy, Telegram, Discord, Gotify, Pushover and many more."
    ),
    icon="send",
)


async def _connect(config: AppriseSettings, http: Http) -> Any:
    from medianest_core.builtin.apprise.runner import Runner

    return Runner(http)


async def _check(config: AppriseSettings, runner: Any) -> CheckResult:
    version = await runner.version()
    return CheckResult(N_("Apprise is here. People enter their own addresses."), version)


APPRISE: ServiceType[AppriseSettings, Any] = ServiceType(
    "apprise",
    AppriseSettings,
    title=N_("Apprise"),
    icon="send",
    description=N_("Lets people be told by ntfy, Telegram, Discord, Gotify, Pushover and many more."),
    connect=_connect,
    check=_check,
)


class Carrier(Notifier[AppriseSettings, Any]):
    service = APPRISE
    target_title: ClassVar[str] = N_("Apprise address")
    target_help: ClassVar[str] = N_(
        "As Apprise describes it for your service. It is kept sealed and not shown again."
    )
    target_example: ClassVar[str] = "ntfys://ntfy.sh/my-secret-topic"

    @classmethod
    def check_target(cls, target: str) -> str:
        return checked(target)

    @classmethod
    def shown(cls, target: str) -> str:
        return masked(target)

    async def send(self, target: str, message: Message) -> None:
        await self.client.send(target, message)


@hookimpl
def register_notifiers() -> Notifiers:
    return [Carrier]
