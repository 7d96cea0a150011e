"""The file server: its manifests, each fetched again only when it has changed, and the small files beside the media."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from medianest_core.sdk import (
    MOVIE,
    N_,
    SHOW,
    AuthFailed,
    Http,
    InvalidResponse,
    NotFound,
    NotReady,
    Rejected,
    Response,
    StreamedResponse,
)
from medianest_manifest.addresses import Addresses
from medianest_manifest.facts import Facts, facts_of
from medianest_manifest.index import Index, read
from medianest_manifest.settings import ManifestSettings

SERVER = N_("The file server")
LARGEST = 1024 * 1024 * 1024
"""Bytes of a manifest; it is never held in memory."""
SMALL = 1024 * 1024
"""Bytes of a file beside the media."""
REMEMBERED = 3600.0
"""Seconds that files beside the media are kept, to ask only whether they have changed; not those whose address would change."""
AT_ONCE = 16
MOST_FACTS = 200_000
"""Those of addresses that are gone stay until there are so many."""
_SETTLED = 2.0
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class _Kept:
    """The last manifest. conditions: headers that ask whether it has changed. at: when it was last confirmed."""

    index: Index
    conditions: Mapping[str, str]
    at: float


class ManifestServer:
    """One file server.

    timeout: seconds without a sign of life while a manifest comes; longest: for the whole of it. small_timeout: seconds for a
    file beside the media.
    """

    timeout = 10.0
    longest = 300.0
    small_timeout = 5.0

    def __init__(self, http: Http, settings: ManifestSettings) -> None:
        self.addresses = Addresses(settings)
        self.paths = {
            kind: path for kind, path in ((MOVIE, settings.movies), (SHOW, settings.tv)) if path.strip()
        }
        self._http = http
        self._kept: dict[str, _Kept] = {}
        self._locks = {kind: asyncio.Lock() for kind in self.paths}
        self._few = asyncio.Semaphore(AT_ONCE)
        self._facts: dict[str, Facts] = {}

    # Manifests

    async def manifest(self, kind: str, fresh: float = 0.0) -> Index:
        """The manifest of films ("movie") or series ("show") as it is now, or was `fresh` seconds ago.

        Raises NotFound where there is none, InvalidResponse where it is something else.
        """
        if kind not in self.paths:
            raise NotFound(N_("The file server publishes no such list."))
        async with self._locks[kind]:
            kept = self._kept.get(kind)
            if kept is not None and time.monotonic() - kept.at < fresh:
                return kept.index
            self._kept[kind] = await self._fetched(kind, kept)
            return self._kept[kind].index

    async def _fetched(self, kind: str, kept: _Kept | None) -> _Kept:
        path = self.paths[kind]
        conditions = kept.conditions if kept is not None else {}
        async with self._http.stream(
            "GET",
            self.addresses.manifest(path),
            headers={"Accept": "application/json", **self.addresses.credentials(), **conditions},
            timeout=self.longest,
            max_bytes=LARGEST,
        ) as answer:
            if kept is not None and answer.status == 304:
                return _Kept(kept.index, conditions, time.monotonic())
            _accepted(answer, path)
            with tempfile.TemporaryFile(prefix="medianest-manifest-") as file:
                async for chunk in self._chunks(answer, path):
                    file.write(chunk)
                index = await asyncio.to_thread(read, file, kind)
        return _Kept(index, _conditions(answer.headers), time.monotonic())

    async def answers(self, kind: str) -> None:
        """Whether the manifest is there and looks like one; reads no more than its beginning."""
        path = self.paths[kind]
        kept = self._kept.get(kind)
        headers = {**self.addresses.credentials(), **(kept.conditions if kept is not None else {})}
        url = self.addresses.manifest(path)
        async with (
            _patience(self.timeout),
            self._http.stream("GET", url, headers=headers, timeout=self.longest, max_bytes=LARGEST) as answer,
        ):
            if answer.status != 304:
                _accepted(answer, path)
                async for _ in self._chunks(answer, path):
                    break

    async def _chunks(self, answer: StreamedResponse, path: str) -> AsyncIterator[bytes]:
        begun = False
        chunks = aiter(answer.chunks())
        while True:
            async with _patience(self.timeout):
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            if not begun and (start := chunk.lstrip(b"\xef\xbb\xbf \t\r\n")):
                if not start.startswith(b"{"):
                    raise InvalidResponse(
                        N_("What {who} sends at {path} is no manifest: it is not a JSON object.").format(
                            who=SERVER, path=path
                        )
                    )
                chunk, begun = start, True
            yield chunk

    # Files beside the media

    async def small(self, reference: str) -> Response:
        """A small file: metadata, chapters, a blurhash. Raises NotFound also where it is not on this server."""
        address = self._ours(reference)
        async with self._few:
            return await self._http.get(
                address,
                headers=self.addresses.credentials(),
                timeout=self.small_timeout,
                max_bytes=SMALL,
                remember=None if _hashed(reference) else REMEMBERED,
            )

    async def picture(self, reference: str, max_bytes: int) -> Response:
        """An image. Raises NotFound also where it is not on this server."""
        address = self._ours(reference)
        return await self._http.get(address, headers=self.addresses.credentials(), max_bytes=max_bytes)

    async def facts(self, references: Iterable[str]) -> Mapping[str, Facts]:
        """What metadata files say about who a title is. One that is missing or no JSON says nothing.

        A file whose address carries a hash is asked for once, others each time whether they have changed. Raises NotReady where many do not come:
        then the server is in trouble, and titles must not change because of that.
        """
        if len(self._facts) > MOST_FACTS:
            self._facts.clear()
        wanted = [one for one in dict.fromkeys(references) if one not in self._facts or not _hashed(one)]
        for reference, answer in (await self.all_of({one: one for one in wanted})).items():
            with contextlib.suppress(InvalidResponse):
                self._facts[reference] = facts_of(answer.content)
        return self._facts

    async def all_of(self, wanted: Mapping[K, str]) -> dict[K, Response]:
        """Many small files at once: name → reference. What is not there is left out, and a few that do not come; raises NotReady
        where more do not."""
        missed: list[NotReady] = []
        bearable = max(3, len(wanted) // 20)

        async def one(reference: str) -> Response | None:
            if len(missed) > bearable:
                raise missed[0]
            try:
                return await self.small(reference)
            except (NotFound, InvalidResponse, Rejected):
                return None
            except NotReady as error:
                missed.append(error)
                return None

        answers = await asyncio.gather(*(one(reference) for reference in wanted.values()))
        if missed and (len(missed) > bearable or len(missed) == len(wanted)):
            raise missed[0]
        pairs = zip(wanted, answers, strict=True)
        return {name: answer for name, answer in pairs if answer is not None}

    def _ours(self, reference: str) -> str:
        address = self.addresses.inner(reference)
        if not self.addresses.ours(address):
            raise NotFound(N_("The manifest names a file of another server."))
        return address


def _accepted(answer: StreamedResponse, path: str) -> None:
    if answer.status == 404:
        raise NotFound(N_("{who} has no manifest at {path}.").format(who=SERVER, path=path))
    if answer.status in (401, 403):
        raise AuthFailed(
            N_("{who} refuses the user name, password or token. Enter them again and save.").format(
                who=SERVER
            )
        )
    Response(answer.status, answer.headers, b"", answer.url).raise_for_status()


def _conditions(headers: Mapping[str, str]) -> Mapping[str, str]:
    """What asks whether an answer with these headers has changed. A date is of whole seconds: one that was just now when the answer
    was sent may be that of two versions, and is of no use."""
    if tag := headers.get("etag"):
        return {"if-none-match": tag}
    try:
        changed, sent = (parsedate_to_datetime(headers[name]) for name in ("last-modified", "date"))
        if (sent - changed).total_seconds() < _SETTLED:
            return {}
    except (KeyError, ValueError, TypeError):
        return {}
    return {"if-modified-since": headers["last-modified"]}


def _hashed(reference: str) -> bool:
    _, _, query = reference.partition("?")
    return any(one.startswith("hash=") and len(one) > 5 for one in query.split("&"))


class _patience:  # used like a function
    """A limit for one step; running out of it is the server's silence."""

    def __init__(self, seconds: float) -> None:
        self._limit = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        try:
            await self._limit.__aexit__(*error)
        except TimeoutError:
            raise NotReady(N_("{who} did not answer in time.").format(who=SERVER)) from None
