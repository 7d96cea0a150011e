"""What others order a sync by: names of servers, titles by number, key or name, and operations, brought to the arguments of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select

from medianest_core.base.texts import N_
from medianest_core.domain.library.operations import checked
from medianest_core.domain.library.stored.bulk import select_rows
from medianest_core.domain.library.syncing.runs import Runs
from medianest_core.domain.library.syncing.scope import SyncArgs
from medianest_core.domain.library.wording import plain
from medianest_core.host.instances import Instances
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.media import MediaSource
from medianest_core.store.engine import Database, Tx
from medianest_core.store.tables.decisions import title_aliases
from medianest_core.store.tables.library import library_sources, records, titles
from medianest_core.store.transaction import alone

_DIGITS = 9
"""Of a number of a title: the databases keep it in four bytes."""


@dataclass(frozen=True, slots=True)
class Order:
    """instances: ids, names or titles of servers; None: all that are allowed. titles: our number (int), a server's own key, or a name
    (str). A text that is neither key nor name of anything known counts as a key: the title may be new. keys: servers' own, and
    nothing else. ops: None for all."""

    instances: Sequence[str] | None = None
    titles: Sequence[int | str] | None = None
    kinds: Sequence[str] | None = None
    ops: Sequence[str] | None = None
    libraries: Sequence[str] | None = None
    force: bool = False
    dry_run: bool = False
    keys: Sequence[str] = ()


class Named(Protocol):
    """A server as people call it."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...


Servers = Callable[[], Sequence[Named]]


def media_servers(instances: Instances) -> Servers:
    """All servers that list media, whether they answer now or not."""
    kind: type[MediaSource] = MediaSource  # type: ignore[type-abstract]  # a key, not made
    return lambda: [handle.instance for handle in instances.any(kind)]


def servers_of(servers: Sequence[Named], named: Sequence[str] | None) -> tuple[str, ...] | None:
    """Ids of the servers that are meant. Raises UserError for one that there is not, and where none is named."""
    if named is None:
        return None
    if not named:
        raise UserError(N_("Name at least one server, or leave them out for all."), "instances")
    found = []
    for name in named:
        wanted = name.casefold()
        meant = [
            one.id
            for one in servers
            if wanted in (one.id.casefold(), one.name.casefold(), one.title.casefold())
        ]
        if not meant:
            raise UserError(N_("There is no media server {name}.").format(name=name[:80]), "instances")
        found += meant
    return tuple(dict.fromkeys(found))


class Orders:
    """Takes orders and asks for the runs that carry them out. servers: that may be named."""

    def __init__(self, db: Database, runs: Runs, servers: Servers) -> None:
        self._db = db
        self._runs = runs
        self.servers = servers

    async def request(self, order: Order, actor: str | None, *, fresh: bool = False) -> list[str]:
        """Job ids of the runs, most often one. Raises UserError. fresh: see `Runs.request_in`."""
        async with self._db.begin() as tx:
            await alone(tx, "library")
            return await self.request_in(tx, order, actor, fresh=fresh)

    async def request_in(self, tx: Tx, order: Order, actor: str | None, *, fresh: bool = False) -> list[str]:
        """The same in the caller's transaction.

        A record that is not stored yet has no parts: a request for some operations brings it whole.
        """
        base = SyncArgs(
            instance_ids=servers_of(self.servers(), order.instances),
            kinds=tuple(sorted(set(order.kinds))) if order.kinds else None,
            libraries=tuple(order.libraries) if order.libraries is not None else None,
            ops=checked(order.ops),
            force=order.force,
            dry_run=order.dry_run,
        )
        single = order.titles is not None or order.keys
        wanted = await self._single(tx, base, order.titles or (), order.keys) if single else [base]
        return [await self._runs.request_in(tx, one, actor, fresh=fresh) for one in wanted]

    async def typed(self, texts: Sequence[str]) -> list[int | str]:
        """What people type for titles: a number where one of ours has it, with the films that are called so, as "1917" is; else the
        text as it is, for keys of servers are numbers, too."""
        numbers = {text: int(text) for text in texts if text.isdecimal() and len(text) <= _DIGITS}
        wanted, ours = list(numbers.values()), set[int]()
        meant: list[int | str] = []
        async with self._db.read() as tx:
            for column in (titles.c.id, title_aliases.c.old_id):
                ours |= {row[0] for row in await select_rows(tx, select(column), column, wanted)}
            for text in texts:
                if numbers.get(text) in ours:
                    meant += [numbers[text], *await named_titles(tx, text)]
                else:
                    meant.append(text)
        return list(dict.fromkeys(meant))

    async def _single(
        self, tx: Tx, base: SyncArgs, named: Sequence[int | str], own: Sequence[str]
    ) -> list[SyncArgs]:
        known, keys, new = await _meant(tx, named, own, base.instance_ids)
        found = []
        if known or keys:
            found.append(
                base.model_copy(update={"titles": tuple(known) or None, "keys": tuple(keys) or None})
            )
        if new:
            found.append(base.model_copy(update={"keys": tuple(new), "ops": None}))
        if not found:
            raise UserError(N_("Name at least one title."), "titles")
        return found


async def _meant(
    tx: Tx, wanted: Sequence[int | str], own: Sequence[str], servers: Sequence[str] | None
) -> tuple[list[int], list[str], list[str]]:
    """(title ids, keys of stored records, keys that nobody knows yet). own: certainly keys."""
    ids = await _living(tx, [one for one in wanted if isinstance(one, int)])
    texts = _cut(one for one in wanted if isinstance(one, str))
    keys = _cut(own)
    statement = select(records.c.key).join(library_sources, library_sources.c.id == records.c.source)
    if servers is not None:
        statement = statement.where(library_sources.c.instance_id.in_(list(servers)))
    stored = {row[0] for row in await select_rows(tx, statement, records.c.key, [*texts, *keys])}
    new = [key for key in keys if key not in stored]
    for text in texts:
        if text in stored:
            continue
        named = await named_titles(tx, text)
        ids += named
        if not named:
            new.append(text)
    return ids, [text for text in [*texts, *keys] if text in stored], new


def _cut(texts: Iterable[str]) -> list[str]:
    """Without what says nothing, and no longer than keys are."""
    return [text.strip()[:190] for text in texts if text.strip()]


async def _living(tx: Tx, ids: Sequence[int]) -> list[int]:
    """Instead of titles that were joined into others, those."""
    statement = select(title_aliases.c.old_id, title_aliases.c.title_id)
    heirs = {row[0]: row[1] for row in await select_rows(tx, statement, title_aliases.c.old_id, ids)}
    return list(dict.fromkeys(heirs.get(one, one) for one in ids))


async def named_titles(tx: Tx, name: str) -> list[int]:
    """Ids of the titles of lists that are called so, whatever their spelling."""
    words = plain(name)
    if not words:
        return []
    first = max(words.split(), key=len)
    rows = await tx.all(
        select(titles.c.id, titles.c.title)
        .where(titles.c.level == 0, titles.c.search.contains(first, autoescape=True))
        .limit(500)
    )
    return [row["id"] for row in rows if plain(row["title"]) == words]
