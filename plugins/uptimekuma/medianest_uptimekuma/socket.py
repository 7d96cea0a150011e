"""A short visit over Socket.IO: sign in, take what is sent, leave.

The connection goes through the instance's own proxy, so that it obeys the same rules as all its other requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import socketio
import socketio.exceptions

from medianest_core.sdk import AuthFailed, Http, InvalidResponse, NotReady, RateLimited, Secret
from medianest_uptimekuma.models import Reading, monitors

_CONNECT, _ACK, _BURST = 6.0, 10.0, 2.0


@dataclass
class Visit:
    """What a sign-in brought. version: None where it was not told."""

    version: str | None = None
    listed: Mapping[str, Any] = field(default_factory=dict)
    beats: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    def readings(self) -> Sequence[Reading]:
        return monitors(self.listed, self.beats)


async def visit(http: Http, username: str, password: Secret) -> Visit:
    """Sign in and collect monitors and their newest beats. Raises AuthFailed, RateLimited, NotReady."""
    async with http.child_proxy() as proxy, aiohttp.ClientSession(proxy=proxy) as session:
        client = socketio.AsyncClient(reconnection=False, http_session=session, logger=False)
        found, complete = _listen(client)
        try:
            # Polling, because the proxy carries no upgrade over plain http. Without Origin, or the server refuses.
            await client.connect(http.base_url, transports=["polling"], wait_timeout=int(_CONNECT))
            answer = await client.call(
                "login", {"username": username, "password": password.reveal(), "token": ""}, timeout=int(_ACK)
            )
            _check(answer)
            # Most of it came before the answer; version 1 sends the beats a moment later.
            waiter = asyncio.ensure_future(complete.wait())
            await asyncio.wait({waiter}, timeout=_BURST)
            waiter.cancel()
        except (socketio.exceptions.SocketIOError, aiohttp.ClientError) as error:
            raise NotReady("Uptime Kuma does not answer over Socket.IO.") from error
        finally:
            await _leave(client, session)
        return found


async def _leave(client: Any, session: aiohttp.ClientSession) -> None:
    """Say goodbye and stop. By itself the library waits for the poll under way, up to half a minute: closing the session
    under it ends that, once the goodbye has been said."""
    saying = client.eio.write_loop_task
    leaving = asyncio.ensure_future(client.disconnect())
    if saying is not None:
        await asyncio.wait({saying}, timeout=1.0)
    await session.close()
    done, _ = await asyncio.wait({leaving}, timeout=1.0)
    if not done:
        leaving.cancel()


def _listen(client: Any) -> tuple[Visit, asyncio.Event]:
    found, complete = Visit(), asyncio.Event()

    def settle() -> None:
        if found.listed and all(str(key) in found.beats for key in found.listed):
            complete.set()

    async def info(facts: Any, *_: Any) -> None:
        if isinstance(facts, dict) and isinstance(facts.get("version"), str):
            found.version = facts["version"]

    async def monitor_list(listed: Any, *_: Any) -> None:
        if isinstance(listed, dict):
            found.listed = listed
            if not listed:
                complete.set()
            settle()

    async def heartbeat_list(monitor: Any, rows: Any, *_: Any) -> None:
        if isinstance(rows, list):
            found.beats[str(monitor)] = rows
            settle()

    client.on("info", info)
    client.on("monitorList", monitor_list)
    client.on("heartbeatList", heartbeat_list)
    return found, complete


def _check(answer: Any) -> None:
    if not isinstance(answer, dict):
        raise InvalidResponse("The address answers, but not like Uptime Kuma.")
    if answer.get("tokenRequired"):
        raise AuthFailed("This user needs a second factor. Use an API key instead.")
    if answer.get("ok") is True:
        return
    said = str(answer.get("msg") or "")
    if "too frequently" in said.lower():
        raise RateLimited("Uptime Kuma was signed in to too often and wants a pause.", 60.0)
    raise AuthFailed("Uptime Kuma refuses the user name or password.")
