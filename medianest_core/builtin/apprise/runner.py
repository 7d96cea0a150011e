"""Runs Apprise in a child process for each message: the library is large, blocks, and is to reach nothing past the portal's proxy."""

from __future__ import annotations

import asyncio
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from medianest_core.builtin.apprise import child
from medianest_core.sdk import N_, Child, Http, MaybeSent, Message, NotReady, RateLimited, Rejected

DEADLINE = 25.0
"""Seconds; less than the core waits for us, so that we can tell what happened."""


class Runner:
    """The client of the instance."""

    def __init__(self, http: Http, *, deadline: float = DEADLINE) -> None:
        self._http = http
        self._deadline = deadline

    async def version(self) -> str:
        return version("apprise")

    async def send(self, target: str, message: Message) -> None:
        """Raises the SDK's errors."""
        parts = [part for part in (message.body, message.url or "") if part]
        job = {"address": target, "title": message.title, "body": "\n\n".join(parts) or message.title}
        begun = False
        try:
            async with asyncio.timeout(self._deadline), self._http.child_proxy() as proxy:
                with tempfile.TemporaryDirectory(prefix="apprise-") as folder:
                    env = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), proxy)
                    async with Child(Path(child.__file__), job, work_dir=Path(folder), env=env) as running:
                        async for told in running.messages():
                            if "begun" in told:
                                begun = True
                            else:
                                _judge(told)
                                return
        except TimeoutError as error:
            if begun:
                raise MaybeSent(
                    N_("The service did not answer in time; the message may have arrived.")
                ) from error
            raise NotReady(N_("Apprise did not start in time.")) from error
        if begun:
            raise MaybeSent(N_("Apprise ended without a word; the message may have arrived."))
        raise NotReady(N_("Apprise could not be started."))


def _judge(told: dict[str, Any]) -> None:
    """What Apprise says of the message. status: of the service's answer; 0 where it said none."""
    if told.get("sent"):
        return
    if told.get("refused"):
        raise Rejected(N_("Apprise does not understand this address."))
    status = int(told.get("status") or 0)
    if status == 429:
        raise RateLimited(N_("The service asks us to slow down."))
    if 400 <= status < 500:
        raise Rejected(N_("The service refused the message ({status}).").format(status=status))
    if status:
        raise NotReady(N_("The service answered with error {status}.").format(status=status))
    raise NotReady(N_("The service could not be reached, or refused the message."))
