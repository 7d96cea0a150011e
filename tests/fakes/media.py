"""A media server in memory, and just enough of the host around it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from medianest_core.host.errors import UnknownInstance
from medianest_core.host.instance import InstanceInfo
from medianest_core.host.instances import Handle
from medianest_core.host.states import InstanceState
from medianest_core.sdk.capabilities import capabilities_of
from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.media import (
    Collection,
    Image,
    Library,
    MediaRecord,
    MediaSource,
    RawRecord,
    RecordPage,
)

MOVIES = Library("1", "Movies", "movie", ("/media/movies",))


def movie(key: str, title: str = "", **values: Any) -> MediaRecord:
    """A movie with a few fields; `fields` are added to them."""
    fields = {"summary": f"About {title or key}.", "assets": {"poster": f"/poster/{key}"}}
    fields |= values.pop("fields", {})
    return MediaRecord(
        key=key,
        kind=values.pop("kind", "movie"),
        title=title or f"Movie {key}",
        library=values.pop("library", "1"),
        year=values.pop("year", 2000),
        fields=fields,
        added_at=values.pop("added_at", 1_600_000_000.0),
        **values,
    )


def digest(record: MediaRecord) -> str:
    return hashlib.blake2b(orjson.dumps(record, default=str), digest_size=8).hexdigest()


@dataclass
class FakeServer:
    """What the server has. more: fields that only its details have, by key. asked: of which keys details were wanted. fail: raised by every call. fail_after: records after which a listing breaks off."""

    libraries: list[Library] = field(default_factory=lambda: [MOVIES])
    records: dict[str, MediaRecord] = field(default_factory=dict)
    collections: dict[str, tuple[Collection, list[str]]] = field(default_factory=dict)
    fail: Exception | None = None
    fail_after: int | None = None
    claims: int | None = None
    page: int = 100
    decoded: int = 0
    calls: list[str] = field(default_factory=list)
    located: dict[str, str] = field(default_factory=dict)
    scans: list[tuple[str, str]] = field(default_factory=list)
    on_scan: Callable[[str, str], None] | None = None
    image: bytes = b""
    more: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)
    gate: Any = None

    def put(self, *records: MediaRecord) -> None:
        for one in records:
            self.records[one.key] = one


class FakeSource(MediaSource[Any, Any]):
    """The provider over a `FakeServer`."""

    def __init__(self, instance: str, server: FakeServer) -> None:
        self.instance = instance
        self.server = server

    def _call(self, name: str) -> FakeServer:
        self.server.calls.append(name)
        if self.server.fail is not None:
            raise self.server.fail
        return self.server

    def _raw(self, record: MediaRecord) -> RawRecord:
        def decode() -> MediaRecord:
            self.server.decoded += 1
            return record

        return RawRecord(record.key, record.kind, digest(record), decode)

    async def libraries(self) -> Sequence[Library]:
        return list(self._call("libraries").libraries)

    async def records(self, library: Library) -> AsyncIterator[RecordPage]:
        server = self._call("records")
        if server.gate is not None:
            await server.gate.wait()
        mine = [one for one in server.records.values() if one.library == library.key]
        level = {"season": 1, "episode": 2}
        mine.sort(key=lambda one: level.get(one.kind, 0))
        total = server.claims if server.claims is not None else len(mine)
        for start in range(0, len(mine), server.page):
            if server.fail_after is not None and start >= server.fail_after:
                raise NotReady("the connection was reset")
            yield RecordPage([self._raw(one) for one in mine[start : start + server.page]], total)

    async def record(self, key: str) -> RawRecord | None:
        found = self._call("record").records.get(key)
        return self._raw(found) if found else None

    async def changes(self, library: Library, since: float) -> AsyncIterator[RecordPage]:
        server = self._call("changes")
        mine = [
            one
            for one in server.records.values()
            if one.library == library.key and (one.updated_at or one.added_at or 0) >= since
        ]
        yield RecordPage([self._raw(one) for one in mine])

    async def image(self, reference: str, width: int, height: int) -> Image:
        server = self._call("image")
        if server.gate is not None:
            await server.gate.wait()
        return Image(server.image, "image/jpeg")

    async def deep_link(self, key: str) -> str:
        self._call("deep_link")
        return f"https://example.com/{self.instance}/{key}"

    async def collections(self, library: str) -> Sequence[Collection]:
        return [one for one, _ in self._call("collections").collections.values() if one.library == library]

    async def collection_items(self, collection: str) -> Sequence[str]:
        return list(self._call("collection_items").collections[collection][1])

    async def create_collection(self, library: str, title: str, keys: Sequence[str]) -> Collection:
        server = self._call("create_collection")
        made = Collection(f"c{len(server.collections) + 1}", title, library, len(keys))
        server.collections[made.key] = (made, list(keys))
        return made

    async def add_to_collection(self, collection: str, keys: Sequence[str]) -> None:
        one, items = self._call("add_to_collection").collections[collection]
        items.extend(key for key in keys if key not in items)
        self.server.collections[collection] = (replace(one, count=len(items)), items)

    async def remove_from_collection(self, collection: str, key: str) -> None:
        one, items = self._call("remove_from_collection").collections[collection]
        items = [item for item in items if item != key]
        self.server.collections[collection] = (replace(one, count=len(items)), items)

    async def rescan(self, library: str, path: str) -> None:
        server = self._call("rescan")
        server.scans.append((library, path))
        if server.on_scan is not None:
            server.on_scan(library, path)

    async def locate(self, library: str, paths: Sequence[str]) -> Mapping[str, str]:
        server = self._call("locate")
        return {path: server.located[path] for path in paths if path in server.located}


class TellingSource(FakeSource):
    """A source whose listings leave out what `FakeServer.more` holds."""

    async def details(self, keys: Sequence[str]) -> Sequence[MediaRecord]:
        server = self._call("details")
        server.asked.append(list(keys))
        found = (server.records[key] for key in keys if key in server.records)
        return [replace(one, fields={**one.fields, **server.more.get(one.key, {})}) for one in found]


class FakeInstances:
    """Stands in for `host.instances.Instances`: providers by kind and instance id."""

    def __init__(self) -> None:
        self.providers: dict[str, dict[type[Any], Any]] = {}
        self.states: dict[str, InstanceState] = {}

    def add(self, instance_id: str, kind: type[Any], provider: Any) -> None:
        self.providers.setdefault(instance_id, {})[kind] = provider
        self.states.setdefault(instance_id, InstanceState.READY)

    def remove(self, instance_id: str) -> None:
        del self.providers[instance_id]

    def info(self, instance_id: str) -> InstanceInfo:
        if instance_id not in self.states:
            raise UnknownInstance("There is no such service.")
        state = self.states[instance_id]
        return InstanceInfo(
            id=instance_id,
            plugin="fake",
            service="fake",
            name=instance_id,
            title=instance_id.title(),
            enabled=True,
            state=state,
            reason="" if state is InstanceState.READY else "It does not answer.",
            since=0.0,
            next_at=None,
            version=1,
        )

    def all(self) -> list[InstanceInfo]:
        return [self.info(one) for one in self.providers]

    def has(self, kind: type[Any], instance_id: str) -> bool:
        return kind in self.providers.get(instance_id, {})

    def provider_class(self, kind: type[Any], instance_id: str) -> type[Any] | None:
        provider = self.providers.get(instance_id, {}).get(kind)
        return type(provider) if provider is not None else None

    def any(self, kind: type[Any]) -> list[Handle[Any]]:
        return [self._handle(one, kind) for one, kinds in self.providers.items() if kind in kinds]

    def ready(self, kind: type[Any]) -> list[Handle[Any]]:
        return [one for one in self.any(kind) if one.instance.ready]

    def get(self, kind: type[Any], instance_id: str) -> Handle[Any]:
        if not self.has(kind, instance_id) or not self.info(instance_id).ready:
            raise NotReady("It does not answer.")
        return self._handle(instance_id, kind)

    def _handle(self, instance_id: str, kind: type[Any]) -> Handle[Any]:
        provider = self.providers[instance_id][kind]
        return Handle(self.info(instance_id), provider, capabilities_of(type(provider)))
