"""E-mail: notifications by way of a mail server that an admin names."""

from __future__ import annotations

from typing import Any, ClassVar

from medianest_core.builtin.email.address import checked, masked
from medianest_core.builtin.email.settings import MailSettings
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
    "email",
    title=N_("E-mail"),
    api="1.0",
    description=N_("Sends people their notifications by e-mail."),
    icon="mail",
)


async def _connect(config: MailSettings, http: Http) -> Any:
    # The mail code is loaded with the first connection, not by every start.
    from medianest_core.builtin.email.post import Post

    return Post(config, http)


async def _check(config: MailSettings, post: Any) -> CheckResult:
    greeting = await post.check()
    return CheckResult(N_("The mail server answers and lets us in."), details={"server": greeting})


MAIL: ServiceType[MailSettings, Any] = ServiceType(
    "smtp",
    MailSettings,
    title=N_("E-mail"),
    icon="mail",
    description=N_("A mail server that takes messages from the portal."),
    connect=_connect,
    check=_check,
)


class Mail(Notifier[MailSettings, Any]):
    service = MAIL
    target_title: ClassVar[str] = N_("E-mail address")
    target_help: ClassVar[str] = N_(
        "We send a code there first, so that nobody gets mail they did not ask for."
    )
    target_example: ClassVar[str] = "ann@example.org"
    confirms: ClassVar[bool] = True

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
    return [Mail]
