"""Web push: notifications on people's devices, by way of the push service of each browser's maker."""

from __future__ import annotations

from typing import Any, ClassVar

from medianest_core.builtin.webpush.settings import PushSettings
from medianest_core.builtin.webpush.subscription import checked, masked
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
    "webpush",
    title=N_("Push to devices"),
    api="1.0",
    description=N_(
        "Shows people their notifications on phones and computers, also when the portal is closed."
    ),
    icon="smartphone",
)


async def _connect(config: PushSettings, http: Http) -> Any:
    # Keys and ciphers are loaded with the first connection, not by every start.
    from medianest_core.builtin.webpush.push import Push

    return Push(config, http)


async def _check(config: PushSettings, push: Any) -> CheckResult:
    return CheckResult(
        N_("The key is there. People can now add their devices, where the portal is served over https."),
        details={"key": push.public_key[:12] + "…"},
    )


PUSH: ServiceType[PushSettings, Any] = ServiceType(
    "push",
    PushSettings,
    title=N_("Push to devices"),
    icon="smartphone",
    description=N_("Notifications on phones and computers. It needs https, and nothing to be installed."),
    connect=_connect,
    check=_check,
)


class Device(Notifier[PushSettings, Any]):
    service = PUSH
    target_title: ClassVar[str] = N_("Device")

    @classmethod
    def check_target(cls, target: str) -> str:
        return checked(target)

    @classmethod
    def shown(cls, target: str) -> str:
        return masked(target)

    async def send(self, target: str, message: Message) -> None:
        await self.client.send(target, message)

    async def browser_key(self) -> str:
        key: str = self.client.public_key
        return key


@hookimpl
def register_notifiers() -> Notifiers:
    return [Device]
