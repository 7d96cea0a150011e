"""The stored links: read, add, change, move, remove. Each change is one transaction and tells open pages."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import delete, func, insert, select, update

from medianest_core.builtin.links.changed import LinksChanged
from medianest_core.builtin.links.link import Link, Wanted, checked, grouped
from medianest_core.builtin.links.tables import links
from medianest_core.sdk import N_, Audience, MediaNestError, NotFound, PluginContext, Transaction, UserError

MOST = 500
_COLUMNS = (
    links.c.title, links.c.url, links.c.icon, links.c.section, links.c.role, links.c.id, links.c.version,
)  # fmt: skip


class ChangedMeanwhile(MediaNestError):
    """Somebody else saved the link since it was read. now: what is stored."""

    def __init__(self, now: Link) -> None:
        super().__init__(N_("Somebody else changed this link meanwhile."))
        self.now = now


async def everything(context: PluginContext) -> Sequence[Link]:
    """All links in order, whoever may see them: callers ask `visible`."""
    async with context.read() as tx:
        return await _all(tx)


async def one(context: PluginContext, identifier: str) -> Link:
    """Raises NotFound."""
    async with context.read() as tx:
        return await _one(tx, identifier)


async def add(context: PluginContext, wanted: Wanted) -> Link:
    """Put it at the end. Raises UserError."""
    wanted = checked(wanted)
    link = Link(wanted.title, wanted.url, wanted.icon, wanted.group, wanted.role, str(uuid4()), 1)
    async with context.begin() as tx:
        count, last = (await tx.execute(select(func.count(), func.max(links.c.position)))).one()
        if count >= MOST:
            raise UserError(N_("There are too many links. Remove some first."))
        place = 0 if last is None else last + 1
        await tx.execute(insert(links).values(**_row(wanted), id=link.id, position=place, version=1))
        await _tell(context, tx)
    return link


async def change(context: PluginContext, identifier: str, wanted: Wanted, version: int) -> Link:
    """Save it. Raises UserError, NotFound, ChangedMeanwhile."""
    wanted = checked(wanted)
    async with context.begin() as tx:
        done = await tx.execute(
            update(links)
            .where(links.c.id == identifier, links.c.version == version)
            .values(**_row(wanted), version=version + 1)
        )
        if done.rowcount != 1:
            raise ChangedMeanwhile(await _one(tx, identifier))
        await _tell(context, tx)
        return await _one(tx, identifier)


async def move(context: PluginContext, identifier: str, up: bool) -> None:
    """One place up or down in its group; at the end of the group nothing happens. Raises NotFound."""
    async with context.begin() as tx:
        mine = await _one(tx, identifier)
        groups = grouped(await _all(tx))
        group = groups[mine.group]
        place = [link.id for link in group].index(identifier)
        other = place - 1 if up else place + 1
        if not 0 <= other < len(group):
            return
        group[place], group[other] = group[other], group[place]
        order = [link.id for found in groups.values() for link in found]
        for position, moved in enumerate(order):
            await tx.execute(update(links).where(links.c.id == moved).values(position=position))
        await _tell(context, tx)


async def remove(context: PluginContext, identifier: str) -> None:
    """Raises NotFound."""
    async with context.begin() as tx:
        done = await tx.execute(delete(links).where(links.c.id == identifier))
        if done.rowcount != 1:
            raise NotFound(N_("There is no such link."))
        await _tell(context, tx)


async def _all(tx: Transaction) -> list[Link]:
    found = await tx.execute(select(*_COLUMNS).order_by(links.c.position, links.c.id))
    return [Link(*row) for row in found]


async def _one(tx: Transaction, identifier: str) -> Link:
    row = (await tx.execute(select(*_COLUMNS).where(links.c.id == identifier))).one_or_none()
    if row is None:
        raise NotFound(N_("There is no such link."))
    return Link(*row)


async def _tell(context: PluginContext, tx: Transaction) -> None:
    await context.emit(LinksChanged(), Audience.everyone(), tx=tx)


def _row(wanted: Wanted) -> dict[str, str]:
    return {
        "title": wanted.title,
        "url": wanted.url,
        "icon": wanted.icon,
        "section": wanted.group,
        "role": wanted.role,
    }
