"""People who do not wait for the portal to be well: commands by its API, each noted before it is sent."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.conftest import eventually
from tests.integration.crash.oplog import Op, OpLog, Outcome
from tests.integration.crash.town import Town

_TIMEOUT = 12.0
_FILM_EVERY = 2.0
"""Seconds between submissions, of all people together: films take a while to fetch."""
_OPEN_ENDED = (500, 502, 503, 504)
"""Answers after which a command may have been carried out all the same."""


class Load:
    """`pace`: seconds between the commands of one person."""

    def __init__(self, town: Town, log: OpLog, *, people: int = 3, pace: float = 0.4, seed: int = 1) -> None:
        self.town = town
        self.log = log
        self.answers: dict[int, int] = {}
        self._pace = pace
        self._stop = threading.Event()
        self._videos = iter(town.videos)
        self._submitted = float("-inf")
        self._lock = threading.Lock()
        self._seed = seed
        self._cookie = ""
        self._library: dict[str, str] = {}
        self._threads = [
            threading.Thread(target=self._person, args=(number,), name=f"person {number}")
            for number in range(people)
        ]

    def __enter__(self) -> Load:
        web = self.town.webs[0]
        with self._client() as client:
            reply = client.post(
                f"{web.url}/api/v1/sign-in/local", json=self.town.admin, headers={"Origin": web.url}
            )
            reply.raise_for_status()
            self._cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
            headers = {"Cookie": self._cookie}

            def target() -> Any:
                found = client.get(f"{web.url}/api/v1/downloads/targets", headers=headers).json()
                return next((one for one in found if one["folder"] == str(self.town.downloads)), None)

            self._library = eventually(target, within=60, what="a library to file into")
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(3 * _TIMEOUT)

    @property
    def cookie(self) -> str:
        return self._cookie

    @staticmethod
    def _client() -> httpx.Client:
        return httpx.Client(timeout=_TIMEOUT, trust_env=False)

    def _person(self, number: int) -> None:
        chance = random.Random(self._seed * 100 + number)
        acts: list[Callable[[httpx.Client, str], None]] = [self._submit, self._sync, self._rename, self._read]
        with self._client() as client:
            while not self._stop.wait(self._pace * chance.uniform(0.5, 1.5)):
                web = chance.choice(self.town.webs)
                act = chance.choices(acts, [5, 1, 4, 2])[0]
                act(client, web.url)

    def _send(
        self, client: httpx.Client, op: Op | None, method: str, url: str, path: str, body: object = None
    ) -> Any:
        """The answer's JSON where the portal did it, else None."""
        try:
            reply = client.request(
                method,
                f"{url}/api/v1{path}",
                json=body,
                headers={"Origin": url, "Cookie": self._cookie},
            )
        except httpx.ConnectError:
            # Nobody took the connection: it was never asked.
            if op is not None:
                self.log.end(op, Outcome.FAIL)
            return None
        except httpx.HTTPError:
            return None
        with self._lock:
            self.answers[reply.status_code] = self.answers.get(reply.status_code, 0) + 1
        said = reply.json() if reply.is_success else None
        if op is not None:
            if reply.is_success:
                self.log.end(op, Outcome.OK, reply.status_code, reply=said)
            elif reply.status_code in _OPEN_ENDED:
                self.log.end(op, Outcome.UNKNOWN, reply.status_code, text=reply.text[:300])
            else:
                self.log.end(op, Outcome.FAIL, reply.status_code, text=reply.text[:300])
        return said

    def _submit(self, client: httpx.Client, url: str) -> None:
        with self._lock:
            now = time.monotonic()
            if now - self._submitted < _FILM_EVERY:
                return
            self._submitted = now
            film = next(self._videos, None)
        if film is None:
            return
        number = self.log.next_number()
        op = self.log.begin(number, "submit", film)
        self._send(
            client,
            op,
            "POST",
            url,
            "/downloads",
            {
                "url": film,
                "quality": "360",
                "container": "mp4",
                "library": {
                    "instance_id": self._library["instance_id"],
                    "library": self._library["library"],
                },
                "collection": f"Film {film.rpartition('=')[2]}",
            },
        )

    def _sync(self, client: httpx.Client, url: str) -> None:
        number = self.log.next_number()
        op = self.log.begin(number, "sync", "all")
        self._send(client, op, "POST", url, "/sync", {"force": number % 3 == 0})

    def _rename(self, client: httpx.Client, url: str) -> None:
        present = self._send(client, None, "GET", url, "/settings")
        if present is None:
            return
        number = self.log.next_number()
        name = f"House {number}"
        op = self.log.begin(number, "rename", name)
        self._send(
            client,
            op,
            "PATCH",
            url,
            "/settings",
            {"values": {"site_name": name}, "version": present["version"]},
        )

    def _read(self, client: httpx.Client, url: str) -> None:
        inbox = self._send(client, None, "GET", url, "/notifications?unread=true&limit=5")
        if not inbox or not inbox["items"]:
            return
        one = inbox["items"][-1]["id"]
        op = self.log.begin(self.log.next_number(), "read", one)
        self._send(client, op, "POST", url, "/notifications/read", {"ids": [one]})
