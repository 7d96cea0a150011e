"""Notifications: who is told what, once, and in their language."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from medianest_core.bus.events import DownloadChanged, ServiceTrouble, SystemAlert
from medianest_core.domain.accounts.models import Status
from medianest_core.domain.notify.kinds import KINDS
from medianest_core.sdk.events import Audience
from medianest_core.store.tables.events import events


async def publish(gate: Any, event: Any, to: Audience | None = None) -> None:
    async with gate.services.db.begin() as tx:
        await gate.services.bus.publish(tx, event, to or Audience.admins())


async def titles(gate: Any, person: Any) -> list[str]:
    return [item.title for item in (await gate.services.notify.inbox(person.user.id)).items]


async def test_owners_hear_of_their_downloads_once(gate: Any) -> None:
    ann, bob = await gate.person("Ann"), await gate.person("Bob")
    for status in ("queued", "running", "done", "done"):
        await publish(
            gate, DownloadChanged(download_id="d", user_id=ann.user.id, title="Trip", status=status)
        )
    await publish(
        gate,
        DownloadChanged(download_id="d", item_id="i", user_id=ann.user.id, title="Trip", status="failed"),
    )
    assert await titles(gate, ann) == ["“Trip” is ready"] and await titles(gate, bob) == []
    (note,) = (await gate.services.notify.inbox(ann.user.id)).items
    assert note.link == "/downloads/d"
    async with gate.services.db.read() as tx:
        told = await tx.one(select(events).where(events.c.name == "user:notification"))
    assert (told["room"], told["data"]["unread"]) == (f"user:{ann.user.id}", 1)


async def test_admins_hear_of_an_outage_until_it_is_over(gate: Any) -> None:
    admin, user = await gate.person("Ada", "admin"), await gate.person("Uma")
    down = ServiceTrouble(monitor_id="7", instance_id="i", title="My server", told="down", reason="Gone.")
    for _ in range(3):
        await publish(gate, down, Audience.nobody())
    assert await titles(gate, admin) == ["My server does not answer"] and await titles(gate, user) == []
    assert await gate.services.notify.unread(admin.user.id) == 1
    up = ServiceTrouble(monitor_id="7", instance_id="i", title="My server", told="up")
    await publish(gate, up, Audience.nobody())
    assert (await titles(gate, admin))[0] == "My server answers again"
    await gate.services.notify.mark_read(admin.user.id)
    await publish(gate, SystemAlert(key="disk", title="Disk {full}", message="{0} %s left"))
    await publish(gate, SystemAlert(key="status:7", title="My server", inbox=False))
    await publish(gate, down, Audience.nobody())
    assert await titles(gate, admin) == [
        "My server does not answer",
        "Disk {full}",
        "My server answers again",
        "My server does not answer",
    ]
    await publish(gate, SystemAlert(key="disk", active=False))
    assert await gate.services.notify.unread(admin.user.id) == 1


async def test_approval_reaches_both_sides(gate: Any) -> None:
    admin = await gate.person("Ada", "admin")
    accounts = gate.services.accounts
    async with gate.services.db.begin() as tx:
        pat = await accounts.users.insert(tx, username="pat", role="user", status=Status.PENDING)
    assert await titles(gate, admin) == ["pat asks for access"]
    await accounts.users.set_status(pat.id, Status.ACTIVE, pat.version, admin.user.id)
    assert await gate.services.notify.unread(admin.user.id) == 0
    assert [one.title for one in (await gate.services.notify.inbox(pat.id)).items] == ["Welcome"]


async def test_an_inbox_has_pages_and_belongs_to_one(gate: Any) -> None:
    ann, bob = await gate.person("Ann"), await gate.person("Bob")
    notify = gate.services.notify
    made = []
    for number in range(5):
        async with gate.services.db.begin() as tx:
            made.append(await notify.notify(tx, ann.user.id, "other", {"title": f"n{number}"}))
    async with gate.services.db.begin() as tx:
        assert await notify.notify(tx, "nobody", "other") is None
    first = await notify.inbox(ann.user.id, limit=3)
    second = await notify.inbox(ann.user.id, limit=3, cursor=first.next_cursor)
    assert [item.title for item in (*first.items, *second.items)] == ["n4", "n3", "n2", "n1", "n0"]
    assert second.next_cursor is None and first.unread == 5
    assert await notify.mark_read(bob.user.id, made) == 0
    assert await notify.mark_read(ann.user.id, made[:2]) == 3
    unread = await notify.inbox(ann.user.id, unread_only=True)
    assert [item.title for item in unread.items] == ["n4", "n3", "n2"]


async def test_texts_are_translated_for_the_reader(gate: Any) -> None:
    from medianest_core.domain.notify.service import Notifications

    services = gate.services
    seen: list[tuple[str, str]] = []

    def translate(locale: str, text: str) -> str:
        seen.append((locale, text))
        return text.upper() if locale == "de" else text

    notify = Notifications(services.db, services.bus, translate=translate)
    ann = await gate.person("Ann")
    async with services.db.begin() as tx:
        await notify.notify(tx, ann.user.id, "account.approved", {})
    assert (await notify.inbox(ann.user.id, locale="de")).items[0].title == "WELCOME"
    assert ("de", KINDS["account.approved"].title) in seen


async def test_something_with_a_long_name_is_told_once_and_settled(gate: Any) -> None:
    admin = await gate.person("Ada", "admin")
    kept, gone = (f"library.held:i:/films/{'x' * 120}/{number}" for number in range(2))
    for key in (kept, gone, gone):
        await publish(gate, SystemAlert(key=key, title=f"Held {key[-1]}"))
    assert await titles(gate, admin) == ["Held 1", "Held 0"]
    await publish(gate, SystemAlert(key=gone, active=False))
    (left,) = (await gate.services.notify.inbox(admin.user.id, unread_only=True)).items
    assert left.title == "Held 0"
