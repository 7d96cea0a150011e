"""Live updates over real sockets: who may connect, what they receive, replay, and the end of sessions."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
import websockets

from medianest_core.bus.events import DownloadChanged, JobProgress, LibraryChanged, SystemAlert, to_owner
from medianest_core.cli.websocket import Websocket
from medianest_core.domain.accounts.models import Status
from medianest_core.sdk.events import Audience
from medianest_core.web.gate.routing import policy_table
from medianest_core.web.live.server import LARGEST_FRAME, LiveServer

QUERY = "/live/socket.io/?EIO=4&transport=websocket"


class Phone:
    """A Socket.IO client, as little of one as the tests need."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.events: list[tuple[str, Any]] = []
        self._acks: dict[str, asyncio.Future[Any]] = {}
        self.refused: Any = None
        self.ended = asyncio.Event()
        self.ready = asyncio.Event()
        self._news = asyncio.Event()

    async def listen(self) -> None:
        try:
            async for message in self._connection:
                await self._take(str(message))
        except websockets.ConnectionClosed:
            pass
        self.ended.set()
        self._news.set()

    async def _take(self, message: str) -> None:
        if message == "2":
            await self._connection.send("3")
        elif message.startswith("40"):
            self.ready.set()
        elif message.startswith("41"):
            self.ended.set()
        elif message.startswith("44"):
            self.refused = message
            self.ready.set()
        elif message.startswith("42"):
            name, *rest = json.loads(message[2:])
            self.events.append((name, rest[0] if rest else None))
        elif message.startswith("43"):
            number = message[2 : message.index("[")]
            self._acks[number].set_result(json.loads(message[len(number) + 2 :])[0])
        self._news.set()

    async def ask(self, name: str, *data: Any) -> Any:
        number = str(len(self._acks) + 1)
        self._acks[number] = asyncio.get_running_loop().create_future()
        await self._connection.send(f"42{number}{json.dumps([name, *data])}")
        return await asyncio.wait_for(self._acks[number], 30)

    async def send(self, text: str) -> None:
        await self._connection.send(text)

    async def until(self, name: str, count: int = 1) -> list[Any]:
        """Wait for so many events of the name."""
        async with asyncio.timeout(60):
            while len(found := [data for event, data in self.events if event == name]) < count:
                assert not self.ended.is_set(), f"ended while waiting for {name}: {self.events}"
                self._news.clear()
                await self._news.wait()
        return found

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def jobs(self) -> list[tuple[str, str]]:
        """Job and state of what was told of jobs."""
        return [
            (one["data"]["job_id"], one["data"]["state"])
            for name, one in self.events
            if name == "job:changed"
        ]


class Net:
    def __init__(self, gate: Any, server: LiveServer, port: int) -> None:
        self.gate = gate
        self.server = server
        self.port = port
        self.origin = f"http://127.0.0.1:{port}"

    @asynccontextmanager
    async def phone(self, cookie: str | None, origin: str | None = "own") -> AsyncIterator[Phone]:
        headers = {"Cookie": f"mn={cookie}"} if cookie else {}
        async with websockets.connect(
            f"ws://127.0.0.1:{self.port}{QUERY}",
            origin=self.origin if origin == "own" else origin,  # type: ignore[arg-type]  # a plain text will do
            additional_headers=headers,
            open_timeout=60,
        ) as connection:
            assert str(await connection.recv()).startswith("0{")
            phone = Phone(connection)
            await connection.send("40")
            task = asyncio.create_task(phone.listen())
            await asyncio.wait_for(phone.ready.wait(), 60)
            try:
                yield phone
            finally:
                task.cancel()

    async def publish(self, event: Any, to: Audience) -> int:
        async with self.gate.services.db.begin() as tx:
            published = await self.gate.services.bus.publish(tx, event, to)
        return int(published.seq)


@pytest.fixture
async def net(gate: Any) -> AsyncIterator[Net]:
    services = gate.services
    server = LiveServer(
        live=services.live, bus=services.bus, sessions=services.accounts.sessions, check_every=0.2
    )
    app = gate.serve(server.routes())
    server.start()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    web = uvicorn.Server(
        uvicorn.Config(app, log_config=None, lifespan="off", ws=Websocket, timeout_graceful_shutdown=1)
    )
    serving = asyncio.create_task(web.serve([listener]))
    while not web.started:
        await asyncio.sleep(0.01)
    yield Net(gate, server, listener.getsockname()[1])
    await server.close()
    web.should_exit = True
    await serving


async def status_of(net: Net, cookie: str | None, origin: str | None) -> int:
    try:
        async with net.phone(cookie, origin) as phone:
            return 403 if phone.refused else 101
    except websockets.InvalidStatus as error:
        return error.response.status_code


async def test_who_may_connect(net: Net) -> None:
    ann = await net.gate.person("Ann")
    pending = await net.gate.person("Pat", status=Status.PENDING)
    suspended = await net.gate.person("Sue", status=Status.SUSPENDED)
    assert await status_of(net, ann.cookie, "own") == 101
    for cookie in (None, "forged", pending.cookie, suspended.cookie):
        assert await status_of(net, cookie, "own") == 403
    for origin in (None, "null", "http://evil.test", "http://127.0.0.1:1", f"https://127.0.0.1:{net.port}"):
        assert await status_of(net, ann.cookie, origin) == 403


async def test_polling_is_guarded_alike(net: Net) -> None:
    ann = await net.gate.person("Ann")
    path = "/live/socket.io/?EIO=4&transport=polling"
    async with httpx.AsyncClient(base_url=net.origin) as nobody:
        assert (await nobody.get(path)).status_code == 401
    async with httpx.AsyncClient(base_url=net.origin, cookies={"mn": ann.cookie}, timeout=60) as client:
        opened = await client.get(path)
        assert opened.status_code == 200 and opened.text.startswith("0{")
        assert (await client.get(path + "&j=0")).status_code == 403
        assert (await client.get(path, headers={"origin": "http://evil.test"})).status_code == 403
        assert (await client.get(path, headers={"sec-fetch-site": "same-site"})).status_code == 403
        sid = json.loads(opened.text[1:])["sid"]
        assert (await client.post(f"{path}&sid={sid}", content="40")).status_code == 403
        own = {"origin": net.origin}
        assert (await client.post(f"{path}&sid={sid}", content="40", headers=own)).status_code == 200


async def test_a_browser_that_left_before_it_was_read_is_no_error(net: Net) -> None:
    ann = await net.gate.person("Ann")
    sent: list[Any] = []

    async def left() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1"), (b"cookie", f"mn={ann.cookie}".encode())]
    scope = {"type": "http", "method": "GET", "path": "/", "scheme": "http", "headers": headers}
    await net.server({**scope, "query_string": b"EIO=4&transport=polling"}, left, send)
    assert sent == []


async def test_each_hears_what_is_meant_for_them(net: Net) -> None:
    ann, bob = await net.gate.person("Ann"), await net.gate.person("Bob")
    admin = await net.gate.person("Ada", "admin")
    async with (
        net.phone(ann.cookie) as of_ann,
        net.phone(bob.cookie) as of_bob,
        net.phone(admin.cookie) as of_admin,
    ):
        for phone in (of_ann, of_bob, of_admin):
            assert await phone.ask("subscribe:downloads") == {"ok": True}
        # A client cannot name a room: what it sends along is not looked at.
        await of_bob.ask("subscribe:downloads", {"user": ann.user.id, "room": f"downloads:{ann.user.id}"})
        changed = DownloadChanged(download_id="d1", user_id=ann.user.id, status="done", title="x")
        seq = await net.publish(changed, Audience.downloads(ann.user.id))
        await net.publish(SystemAlert(key="k", title="for admins"), Audience.admins())
        await net.gate.services.bus.send(JobProgress(job_id="j", job="n"), Audience.user(ann.user.id))
        await net.publish(LibraryChanged(added=1), Audience.library())
        for phone in (of_ann, of_bob, of_admin):
            await phone.until("library:changed")
        (heard,) = await of_ann.until("download:changed")
        assert heard["seq"] == seq and heard["data"]["download_id"] == "d1" and heard["at"] > 0
        assert (await of_ann.until("job:progress"))[0]["seq"] is None
        assert set(of_bob.names()) == {"hello", "library:changed"}
        assert "system:alert" in of_admin.names() and "download:changed" not in of_admin.names()
        assert "system:alert" not in of_ann.names()


async def test_an_admin_hears_of_own_jobs_once(net: Net) -> None:
    ann, admin = await net.gate.person("Ann"), await net.gate.person("Ada", "admin")
    db, ledger = net.gate.services.db, net.gate.services.ledger
    first = await net.publish(LibraryChanged(added=1), Audience.library())
    async with net.phone(ann.cookie) as of_ann, net.phone(admin.cookie) as of_admin:
        async with db.begin() as tx:
            mine = await ledger.enqueue(tx, "test.idle", {}, owner=admin.user.id)
            hers = await ledger.enqueue(tx, "test.idle", {}, owner=ann.user.id)
        for job_id in (mine, hers):
            async with db.begin() as tx:
                assert await ledger.cancel(tx, job_id)
        await net.gate.services.bus.send(JobProgress(job_id=mine, job="n"), to_owner(admin.user.id))
        await net.publish(LibraryChanged(added=2), Audience.library())
        for phone in (of_ann, of_admin):
            await phone.until("library:changed")
        assert of_ann.jobs() == [(hers, "cancelled")]
        assert of_admin.jobs() == [(mine, "cancelled"), (hers, "cancelled")]
        assert "job:progress" not in of_admin.names()
    async with net.phone(admin.cookie) as again:
        # Also what is replayed is told once.
        assert (await again.ask("replay", {"since": first}))["complete"]
        await again.until("library:changed")
        assert again.jobs() == [(mine, "cancelled"), (hers, "cancelled")]


async def test_status_is_heard_after_asking_for_it(net: Net) -> None:
    ann = await net.gate.person("Ann")
    async with net.phone(ann.cookie) as phone:
        await net.publish(LibraryChanged(added=1), Audience.status())
        await phone.ask("subscribe:status")
        await net.publish(LibraryChanged(added=2), Audience.status())
        await phone.ask("unsubscribe:status")
        await net.publish(LibraryChanged(added=3), Audience.status())
        await net.publish(LibraryChanged(added=4), Audience.library())
        heard = await phone.until("library:changed", 2)
    assert [one["data"]["added"] for one in heard] == [2, 4]


async def test_what_was_missed_is_replayed(net: Net) -> None:
    ann, bob = await net.gate.person("Ann"), await net.gate.person("Bob")
    first = await net.publish(LibraryChanged(added=1), Audience.library())
    second = await net.publish(LibraryChanged(added=2), Audience.user(ann.user.id))
    await net.publish(LibraryChanged(added=3), Audience.user(bob.user.id))
    await net.publish(LibraryChanged(added=4), Audience.admins())
    third = await net.publish(LibraryChanged(added=5), Audience.downloads(ann.user.id))
    async with net.phone(ann.cookie) as phone:
        (hello,) = await phone.until("hello")
        assert hello["seq"] >= third
        assert await phone.ask("replay", {"since": first}) == {"complete": True, "seq": third}
        heard = await phone.until("library:changed", 2)
        assert [one["seq"] for one in heard] == [second, third]
        ahead = await phone.ask("replay", {"since": 10_000_000})
        assert ahead["complete"] is False
        assert (await phone.until("resync"))[0]["seq"] == ahead["seq"]
        wrongs: list[Any] = [{}, {"since": -1}, {"since": "1"}, {"since": True}, [], None]
        for wrong in wrongs:
            assert "error" in await phone.ask("replay", wrong)


@pytest.mark.parametrize("how", ["sign out", "suspended", "role", "another process"])
async def test_sockets_end_with_their_session(net: Net, how: str) -> None:
    ann = await net.gate.person("Ann")
    await net.gate.person("Ada", "admin")
    accounts = net.gate.services.accounts
    async with net.phone(ann.cookie) as phone:
        if how == "sign out":
            await accounts.sign_out(ann.user.id, ann.session_id)
        elif how == "suspended":
            await accounts.users.set_status(ann.user.id, Status.SUSPENDED, None, None)
        elif how == "role":
            await accounts.users.set_role(ann.user.id, "admin", None, None)
        else:
            from medianest_core.store.tables.accounts import sessions

            async with net.gate.services.db.begin() as tx:
                await tx.execute(sessions.update().values(revoked_at=1.0))
        # Five seconds are promised; threefold slack for a busy machine.
        await asyncio.wait_for(phone.ended.wait(), 60)
        assert "session:ended" in phone.names()
    async with asyncio.timeout(60):
        while await status_of(net, ann.cookie, "own") != 403:
            await asyncio.sleep(0.1)


async def test_a_flood_ends_only_the_socket_it_comes_from(net: Net) -> None:
    ann, bob = await net.gate.person("Ann"), await net.gate.person("Bob")
    async with net.phone(ann.cookie) as calm, net.phone(bob.cookie) as loud:
        for _ in range(200):
            try:
                await loud.send('42["anything",{"x":1}]')
            except websockets.ConnectionClosed:
                break
        await asyncio.wait_for(loud.ended.wait(), 60)
        assert await calm.ask("subscribe:status") == {"ok": True}
        assert net.server.connected == 1


@pytest.mark.parametrize("frame", ["4" + "x" * LARGEST_FRAME, "garbage", '42["replay"', "45-1", '42{"a":1}'])
async def test_a_bad_frame_harms_nobody_else(net: Net, frame: str) -> None:
    ann, bob = await net.gate.person("Ann"), await net.gate.person("Bob")
    async with net.phone(ann.cookie) as calm, net.phone(bob.cookie) as bad:
        await bad.send(frame)
        assert await calm.ask("subscribe:status") == {"ok": True}
        if len(frame) > LARGEST_FRAME:
            await asyncio.wait_for(bad.ended.wait(), 60)


async def test_client_events_stand_in_the_policy_table(net: Net) -> None:
    listed = {entry.path for entry in policy_table(net.server.routes())}
    assert listed == {
        "connect",
        "subscribe:status",
        "unsubscribe:status",
        "subscribe:downloads",
        "unsubscribe:downloads",
        "replay",
    }


async def test_who_connects_while_sessions_are_looked_at_stays(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = await net.gate.person("Ann"), await net.gate.person("Bob")
    sessions = net.gate.services.accounts.sessions
    asked, go, looks = asyncio.Event(), asyncio.Event(), 0
    in_force = sessions.in_force

    async def slowly(ids: Any) -> Any:
        nonlocal looks
        found = await in_force(ids)
        asked.set()
        await go.wait()
        looks += 1
        return found

    monkeypatch.setattr(sessions, "in_force", slowly)
    async with net.phone(ann.cookie):
        await asked.wait()
        async with net.phone(bob.cookie) as phone:
            go.set()
            async with asyncio.timeout(60):
                while looks < 2:
                    await asyncio.sleep(0.02)
            assert await phone.ask("subscribe:downloads") == {"ok": True}
            assert "session:ended" not in phone.names()
