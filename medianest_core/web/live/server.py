"""The Socket.IO server: who may connect, which rooms they are in, replay after a gap, and the end with the session.

Mounted at "/live/socket.io". Loaded with the first socket, because importing it takes a third of the portal's start.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medianest_core.base.clock import Clock, SystemClock
from medianest_core.base.logging import get_logger
from medianest_core.base.tasks import TaskKeeper
from medianest_core.bus.events import SessionsEnded
from medianest_core.bus.live import Live
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.accounts.access import Verdict, decide
from medianest_core.domain.accounts.models import SessionInfo
from medianest_core.domain.accounts.sessions import Sessions
from medianest_core.sdk.permissions import USER
from medianest_core.sdk.routes import Viewer
from medianest_core.web.gate.origin import own_origin
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.routing import PolicyMount
from medianest_core.web.live.flood import Bucket
from medianest_core.web.live.rooms import CLIENT_EVENTS, at_once, entitled, entries, on_request

PATH = "/live/socket.io"
LARGEST_FRAME = 32 * 1024
CHECK_EVERY = 2.0
REPLAYED = 500
_log = get_logger(__name__)


@dataclass
class _Socket:
    session_id: str
    user_id: str
    viewer: Viewer
    eio_sid: str | None = None
    """Of one that the manager has the short way to."""
    bucket: Bucket = field(default_factory=Bucket)


class LiveServer:
    """An ASGI application for `routes`. Use `start` and `close` around serving.

    public_url: another address the portal is reached under. check_every: seconds between looks at the sockets' sessions.
    """

    def __init__(
        self,
        *,
        live: Live,
        bus: EventBus,
        sessions: Sessions,
        clock: Clock | None = None,
        public_url: str | None = None,
        check_every: float = CHECK_EVERY,
    ) -> None:
        self._live = live
        self._bus = bus
        self._sessions = sessions
        self._clock = clock or SystemClock()
        self._public_url = public_url
        self._check_every = check_every
        self._sockets: dict[str, _Socket] = {}
        self._tasks = TaskKeeper()
        self._loading = asyncio.Lock()
        self._server: Any = None
        self._app: ASGIApp | None = None
        self._unsubscribe: Callable[[], None] | None = None

    def routes(self) -> list[PolicyMount]:
        """The mount; refuses everyone without a session of an active account."""
        return [_LiveMount(PATH, self)]

    @property
    def connected(self) -> int:
        """How many sockets are open."""
        return len(self._sockets)

    def start(self) -> None:
        self._unsubscribe = self._bus.subscribe(
            SessionsEnded, self._on_ended, name="live.sessions", everywhere=True
        )
        self._tasks.spawn(self._watch(), "live: sessions of sockets")

    async def close(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
        await self._tasks.close()
        if self._server is not None:
            for sid in list(self._sockets):
                await self._disconnect(sid)
            await self._server.shutdown()

    async def warm_up(self) -> None:
        """Load the server before the first socket asks for it."""
        await self._load()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._check_request(scope)
        app = self._app or await self._load()
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        first = await receive()
        if first["type"] == "http.disconnect":
            # Left before it had sent anything, which Engine.IO does not expect.
            return
        ahead = [first]

        async def again() -> Message:
            return ahead.pop() if ahead else await receive()

        await app(scope, again, send)

    def _check_request(self, scope: Scope) -> None:
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        headers = dict(scope["headers"])
        foreign = headers.get(b"sec-fetch-site", b"same-origin") not in (b"same-origin", b"none")
        # "j" asks for an answer that runs as a script: any neighbouring site could load it with the person's cookie.
        if "j" in query or foreign or not own_origin(scope, self._public_url):
            raise Problem(403, "Sockets are opened from the portal's own pages only.", code="origin")

    async def _load(self) -> ASGIApp:
        async with self._loading:
            if self._app is None:
                await asyncio.to_thread(importlib.import_module, "socketio")
                import socketio

                from medianest_core.bus.fanout import Outbox

                server = socketio.AsyncServer(
                    async_mode="asgi",
                    client_manager=self._live.manager,
                    # Origins are checked above, by the same rule as for every other request.
                    cors_allowed_origins=[],
                    max_http_buffer_size=LARGEST_FRAME,
                    # One event of a socket at a time: a flood waits for itself only.
                    async_handlers=False,
                    ping_interval=20,
                    ping_timeout=15,
                    cookie=None,
                )
                self._register(server)
                server.eio.create_queue = Outbox
                self._server = server
                self._app = socketio.ASGIApp(server, socketio_path=None)
            return self._app

    def _register(self, server: Any) -> None:
        server.on("connect", self._on_connect)
        server.on("disconnect", self._on_disconnect)
        handlers: dict[str, Callable[[str, _Socket, Any], Awaitable[Any]]] = {
            "subscribe:status": self._join("status"),
            "subscribe:downloads": self._join("downloads"),
            "unsubscribe:status": self._leave("status"),
            "unsubscribe:downloads": self._leave("downloads"),
            "replay": self._replay,
        }
        assert set(handlers) | {"connect"} == set(CLIENT_EVENTS)
        for name, handler in handlers.items():
            server.on(name, self._guarded(name, handler))
        server.on("*", self._unknown)

    def _guarded(
        self, name: str, handler: Callable[[str, _Socket, Any], Awaitable[Any]]
    ) -> Callable[..., Awaitable[Any]]:
        policy = CLIENT_EVENTS[name].policy

        async def handle(sid: str, data: Any = None, *_: Any) -> Any:
            socket = await self._admitted(sid)
            if socket is None:
                return {"error": "closed"}
            if decide(policy, socket.viewer) is not Verdict.ALLOW:
                return {"error": "forbidden"}
            return await handler(sid, socket, data)

        return handle

    async def _unknown(self, event: str, sid: str, *_: Any) -> Any:
        await self._admitted(sid)
        return {"error": "unknown event"}

    async def _admitted(self, sid: str) -> _Socket | None:
        """The socket, unless it is unknown or floods us: then it is closed."""
        socket = self._sockets.get(sid)
        if socket is None:
            return None
        if not socket.bucket.take():
            _log.warning("a socket sent too many events", user=socket.user_id)
            await self._disconnect(sid)
            return None
        return socket

    async def _on_connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> bool:
        session: SessionInfo | None = environ["asgi.scope"]["state"].get("session")
        if session is None or decide(USER, session.viewer) is not Verdict.ALLOW:
            return False
        self._sockets[sid] = _Socket(session.id, session.user_id, session.viewer)
        for room in at_once(session.viewer):
            await self._server.enter_room(sid, room)
        newest = await self._bus.rows.last_seq()
        await self._server.emit("hello", {"seq": newest, "at": self._clock.now(), "data": {}}, to=sid)
        self._shorten(sid, environ["asgi.scope"])
        return True

    def _shorten(self, sid: str, scope: Scope) -> None:
        """Give the manager the short way to a websocket, where there is one."""
        from medianest_core.bus.fanout import FRAMES, Line

        eio_sid = self._server.manager.eio_sid_from_sid(sid, "/")
        connection = self._server.eio.sockets.get(eio_sid)
        frames = (scope.get("extensions") or {}).get(FRAMES)
        socket = self._sockets.get(sid)
        if scope["type"] != "websocket" or frames is None or connection is None:
            return
        if socket is not None:
            self._server.manager.attach(eio_sid, Line(connection.queue, frames))
            socket.eio_sid = eio_sid

    async def _on_disconnect(self, sid: str, reason: Any = None) -> None:
        if (socket := self._sockets.pop(sid, None)) is not None:
            self._server.manager.detach(socket.eio_sid)

    def _join(self, name: str) -> Callable[[str, _Socket, Any], Awaitable[Any]]:
        async def join(sid: str, socket: _Socket, _: Any) -> Any:
            for room in on_request(socket.viewer, name):
                await self._server.enter_room(sid, room)
            return {"ok": True}

        return join

    def _leave(self, name: str) -> Callable[[str, _Socket, Any], Awaitable[Any]]:
        async def leave(sid: str, socket: _Socket, _: Any) -> Any:
            for room in on_request(socket.viewer, name):
                await self._server.leave_room(sid, room)
            return {"ok": True}

        return leave

    async def _replay(self, sid: str, socket: _Socket, data: Any) -> Any:
        """Send what the person missed after `since`, else tell the page to load everything again."""
        since = data.get("since") if isinstance(data, dict) else None
        if not isinstance(since, int) or isinstance(since, bool) or since < 0:
            return {"error": 'send {"since": number}'}
        events, complete = await self._bus.since(entitled(socket.viewer), since, REPLAYED)
        if not complete:
            newest = await self._bus.rows.last_seq()
            await self._server.emit(
                "resync", {"seq": newest, "at": self._clock.now(), "data": {"seq": newest}}, to=sid
            )
            return {"complete": False, "seq": newest}
        for event in events:
            await self._server.emit(event.name, event.payload(), to=sid)
        return {"complete": True, "seq": events[-1].seq if events else since}

    async def _on_ended(self, event: SessionsEnded) -> None:
        ended = set(event.session_ids)
        for sid, socket in list(self._sockets.items()):
            if socket.user_id == event.user_id and (not ended or socket.session_id in ended):
                await self._disconnect(sid)

    async def _watch(self) -> None:
        """Sessions can end in another process, or by their time: every socket's is looked at again and again."""
        away = False
        while True:
            await asyncio.sleep(self._check_every)
            if not self._sockets:
                continue
            # Only these are asked about: one that connects meanwhile has its turn the next time.
            looked_at = list(self._sockets.items())
            try:
                alive = await self._sessions.in_force({one.session_id for _, one in looked_at})
                away = False
            except Exception as error:
                if not away:
                    _log.warning("the sessions of sockets cannot be checked", reason=str(error))
                away = True
                continue
            for sid, socket in looked_at:
                session = alive.get(socket.session_id)
                if session is None or session.viewer.role != socket.viewer.role:
                    await self._disconnect(sid)

    async def _disconnect(self, sid: str) -> None:
        if (socket := self._sockets.pop(sid, None)) is None:
            return
        self._server.manager.detach(socket.eio_sid)
        connection = self._server.manager.eio_sid_from_sid(sid, "/")
        try:
            await self._server.emit(
                "session:ended", {"seq": None, "at": self._clock.now(), "data": {}}, to=sid
            )
            await self._server.disconnect(sid)
            # Not `eio.disconnect`: it waits until a polling client has fetched everything, which one that left never does.
            if (transport := self._server.eio.sockets.get(connection)) is not None:
                await transport.close(wait=False)
        except Exception:
            _log.exception("a socket could not be closed")


class _LiveMount(PolicyMount):
    """The mount asks for an active account itself; its listing shows what a client may send."""

    def __init__(self, path: str, app: ASGIApp) -> None:
        super().__init__(path, app, policy=USER, name="live")

    def entries(self) -> Any:
        return entries()
