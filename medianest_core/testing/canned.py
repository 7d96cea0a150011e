"""Answers of a service that were written down: made up, or recorded from the real one with its secrets taken out.

    class PiholeSimulator(CannedSimulator):
        name = "pihole"
        answers = {"GET /api/summary": {"status": "enabled"}}

stands in for a service in contract suites and in the demo. `FaultyServer` puts any ASGI application on a port of its own, for tests
that have no simulator. To record, hand `Recorder(http, secrets)` to the plugin's client in the place of `http`, and `save` what it heard.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from medianest_core.sdk.http import Http, StreamedResponse
from medianest_core.sdk.http import Response as Answer
from medianest_core.sdk.settings import MASK
from medianest_core.testing.faults import Faults
from medianest_core.testing.ledger import Ledger
from medianest_core.testing.simulators import (
    DemoInstance,
    RunningSimulator,
    Simulator,
    json_reply,
    serve_simulator,
)


class CannedSimulator(Simulator):
    """answers: "METHOD /path", or "METHOD /path?query" where only that query is meant → JSON, or text as it is. credentials: header →
    value without which everything is 401. settings: of the demo's instance; "url" is added.
    """

    answers: ClassVar[Mapping[str, Any]] = {}
    credentials: ClassVar[Mapping[str, str]] = {}
    service: ClassVar[str] = ""
    settings: ClassVar[Mapping[str, object]] = {}

    def routes(self) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                await self._answer(Request(scope, receive))(scope, receive, send)

        return app

    def demo_instances(self) -> Sequence[DemoInstance]:
        settings = {"url": self.base_url, **self.settings}
        return [DemoInstance(self.service or self.name, self.name, self.name.capitalize(), settings)]

    def _answer(self, request: Request) -> Response:
        self.ledger.record("asked", method=request.method, path=request.url.path, query=request.url.query)
        if any(request.headers.get(name) != value for name, value in self.credentials.items()):
            return json_reply({"error": "unauthorized"}, 401)
        plain = f"{request.method} {request.url.path}"
        for key in (f"{plain}?{request.url.query}", plain):
            if key in self.answers:
                said = self.answers[key]
                return Response(said, media_type="text/plain") if isinstance(said, str) else json_reply(said)
        return json_reply({"error": "not found"}, 404)


def recorded(path: Path) -> Mapping[str, Any]:
    """`answers` of a file that a `Recorder` saved: of equal calls the last one. ValueError where it is none."""
    rows = json.loads(path.read_text("utf-8"))
    if not isinstance(rows, list):
        raise ValueError(f"{path} holds no recorded traffic")
    return {row["call"]: row["answer"] for row in rows if 200 <= row["status"] < 300}


class FaultyServer:
    """`async with FaultyServer(app) as server`: any ASGI application at `server.url`, which misbehaves as `server.faults` says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._running: RunningSimulator | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="faulty-")

    @property
    def url(self) -> str:
        return self._started.url

    @property
    def faults(self) -> Faults:
        """The rules in force; see `faults.Rule`."""
        return self._started.simulator.faults

    @property
    def ledger(self) -> Ledger:
        return self._started.simulator.ledger

    @property
    def _started(self) -> RunningSimulator:
        if self._running is None:
            raise RuntimeError("the server has not been started")
        return self._running

    async def __aenter__(self) -> Self:
        app = self._app

        class Served(Simulator):
            name = "faulty"

            def routes(self) -> ASGIApp:
                return app

        self._running = await serve_simulator(Served(data_dir=Path(self._folder.name)))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._started.stop()
        self._folder.cleanup()


class Recorder(Http):
    """Passes calls on and writes down what was answered. secrets: clear texts that are masked wherever they stand."""

    def __init__(self, http: Http, secrets: Iterable[str] = ()) -> None:
        self._http = http
        self._secrets = sorted(filter(None, secrets), key=len, reverse=True)
        self.base_url = http.base_url
        self.rows: list[dict[str, Any]] = []

    async def request(self, method: str, url: str, **options: Any) -> Answer:
        answer = await self._http.request(method, url, **options)
        query = "&".join(f"{name}={value}" for name, value in (options.get("params") or {}).items())
        call = f"{method} {url.removeprefix(self.base_url)}" + (f"?{query}" if query else "")
        try:
            said = answer.json()
        except Exception:
            said = answer.text
        row = {"call": call, "status": answer.status, "answer": said}
        self.rows.append(json.loads(self._stripped(json.dumps(row, ensure_ascii=False))))
        return answer

    def stream(
        self, method: str, url: str, **options: Any
    ) -> contextlib.AbstractAsyncContextManager[StreamedResponse]:
        """Passed on; what is streamed is not written down."""
        return self._http.stream(method, url, **options)

    def child_proxy(self) -> contextlib.AbstractAsyncContextManager[str]:
        return self._http.child_proxy()

    def save(self, path: Path) -> None:
        """As JSON that `recorded` reads. Look through it before it is shared: people's names are no secrets to a program."""
        path.write_text(json.dumps(self.rows, indent=1, ensure_ascii=False) + "\n", "utf-8")

    def _stripped(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(json.dumps(secret, ensure_ascii=False)[1:-1], MASK)
        return text
