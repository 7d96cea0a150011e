"""Admin → sync and the API of runs, over the gate."""

from __future__ import annotations

import re
from typing import Any

import pytest

from medianest_core.domain.library.syncing.runs import SyncArgs
from medianest_core.sdk.media import MediaSource
from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi
from tests.integration.conftest import ORIGIN

HERE = {"origin": ORIGIN}


@pytest.fixture
async def room(toy_gate: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The toy passes for a media server; ada is an admin, ben is not."""
    services = toy_gate.services
    instances = services.host.instances
    kinds = instances.any
    handles = [_Handle(instances.info(toy_gate.toy))]
    monkeypatch.setattr(instances, "has", lambda kind, one: kind is MediaSource and one == toy_gate.toy)
    monkeypatch.setattr(instances, "any", lambda kind: handles if kind is MediaSource else kinds(kind))
    toy_gate.serve([*RestApi(services).routes(), *Portal(services).routes()])
    toy_gate.ada, toy_gate.ben = await toy_gate.person("ada", role="admin"), await toy_gate.person("ben")
    return toy_gate


class _Handle:
    def __init__(self, instance: Any) -> None:
        self.instance = instance

    def can(self, capability: object) -> bool:
        return False


async def test_an_admin_starts_watches_and_cancels_runs(room: Any) -> None:
    empty = await room.ada.client.get("/admin/sync")
    assert empty.status_code == 200 and "Nothing was synced yet" in empty.text and "My toy" in empty.text
    assert (await room.ben.client.get("/admin/sync")).status_code == 403
    for form in ({}, {"instance": room.toy, "force": "true"}):
        started = await room.ada.client.post("/admin/sync", data=form, headers=HERE)
        assert started.status_code == 303 and started.headers["location"] == "/admin/sync"
    page = (await room.ada.client.get("/admin/sync")).text
    assert "All servers" in page and "forced" in page and page.count("Waits") == 2
    first, second = (await room.services.library.runs.latest())[::-1]
    run = (await room.ada.client.get(f"/admin/sync/runs/{second.id}")).text
    assert "Cancel" in run and "ada" in run and f"job:changed/{second.job_id}" in run
    await room.ada.client.post(f"/admin/sync/runs/{second.id}/cancel", headers=HERE)
    assert "Cancelled" in (await room.ada.client.get(f"/admin/sync/runs/{second.id}")).text
    unknown = await room.ada.client.post("/admin/sync", data={"instance": "nowhere"}, headers=HERE)
    assert unknown.status_code == 404
    assert (await room.ada.client.get("/admin/sync/runs/999")).status_code == 404
    assert first.state == "queued"


async def test_a_part_is_ordered_on_its_page(room: Any) -> None:
    """Some titles, kinds or values alone, for real or only to see what would change."""
    admin, part = room.ada.client, "/admin/sync/part"
    assert part in (await admin.get("/admin/sync")).text
    page = (await admin.get(part)).text
    assert all(words in page for words in ("Captions", "Placeholders of pictures", "Episode", "My toy"))
    assert (await room.ben.client.get(part)).status_code == 403
    assert (await admin.get(f"{part}?title=999")).status_code == 404
    sent = {
        "titles": " 20417 \n\nHeat\n",
        "ops": ["captions", "posters"],
        "kinds": ["movie"],
        "instances": [room.toy],
        "dry_run": ["false", "true"],
        "force": "false",
    }
    asked = await admin.post(part, data=sent, headers=HERE)
    (run,) = await room.services.library.runs.latest()
    assert (asked.status_code, asked.headers["location"]) == (303, f"/admin/sync/runs/{run.id}")
    assert run.args.model_dump(exclude_defaults=True) == {
        "instance_ids": (room.toy,),
        "keys": ("20417", "Heat"),
        "kinds": ("movie",),
        "dry_run": True,
    }, "what nobody knows yet has no parts"
    assert (
        await admin.post(part, data={"ops": "captions", "force": "true"}, headers=HERE)
    ).status_code == 303
    run = (await room.services.library.runs.latest())[0]
    assert run.args.model_dump(exclude_defaults=True) == {"ops": ("captions",), "force": True}
    gone = await admin.post(part, data={"title": "20417", "ops": "captions"}, headers=HERE)
    assert gone.status_code == 404, "the number is of a title, and no key of a server"
    for wrong in ({"ops": "sound"}, {"instances": "nowhere"}):
        refused = await admin.post(part, data={"titles": "Heat", **wrong}, headers=HERE)
        assert refused.status_code == 422 and "field-error" not in refused.text.split("<form")[0]
        assert "There is no" in refused.text and "Heat</textarea>" in refused.text
    assert len(await room.services.library.runs.latest()) == 2


async def test_a_rehearsal_shows_what_would_be_new_and_what_it_leaves_out(room: Any) -> None:
    runs = room.services.library.runs
    run = await runs.of_job(await runs.request(SyncArgs(dry_run=True)))
    change = {"title_id": 7, "title": "Ronin", "path": ["summary"], "before": None, "after": "New."}
    would: dict[str, Any] = {
        "changes": [],
        "added": [{"kind": "movie", "title": "Heat", "year": 1995}],
        "count": 0,
        "left_out": 0,
    }

    async def shown(**more: Any) -> str:
        async with room.services.db.begin() as tx:
            counts = {"added": 1, "changed": 0, "removed": 0, "would": {**would, **more}}
            await runs.finish(tx, run.id, state="done", counts=counts, problems=[], failed={})
        return str((await room.ada.client.get(f"/admin/sync/runs/{run.id}")).text)

    page = await shown()
    assert "What would be new" in page and "Heat (1995)" in page
    assert "No value would change" in page and "they stand in the library" not in page
    changes = [{**change, "instance_id": room.toy, "rule": "only"}]
    page = await shown(changes=changes, added=[], count=501, left_out=1)
    assert "Ronin" in page and "What would be new" not in page
    assert "500 more values would change." in page and "1 more title would be new." in page
    assert "1 more record was not looked at." in page


async def test_the_times_of_a_server_are_set_on_its_page(room: Any) -> None:
    path = f"/admin/sync/servers/{room.toy}"
    page = (await room.ada.client.get(path)).text
    assert "every 6 hours" in page and f"/webhooks/sync/{room.toy}/" in page
    assert re.search(r"X-Webhook-ID: [\w-]{20,}", page)
    wanted = {"every": "900", "patience": "30", "longest": "10", "at_once": "2", "version": "0"}
    saved = await room.ada.client.post(path, data=wanted, headers=HERE)
    assert saved.status_code == 303
    stored = await room.services.library.schedule.of(room.toy)
    assert (stored.every, stored.patience, stored.longest, stored.at_once) == (900.0, 30.0, 600.0, 2)
    assert "every 15 minutes" in (await room.ada.client.get("/admin/sync")).text
    stale = await room.ada.client.post(path, data={**wanted, "patience": "50"}, headers=HERE)
    assert stale.status_code == 409 and "Saved by someone else: 30" in stale.text
    for odd in ({"patience": "1"}, {"at_once": "many"}):
        refused = await room.ada.client.post(path, data={**wanted, "version": "1", **odd}, headers=HERE)
        assert refused.status_code == 422 and "field-error" in refused.text
    assert (await room.ada.client.get("/admin/sync/servers/nowhere")).status_code == 404
    assert (await room.ben.client.get(path)).status_code == 403


async def test_the_api_of_runs(room: Any) -> None:
    api = room.ada.client
    assert (await api.get("/api/v1/sync/operations")).json()["posters"] == ["assets.poster"]
    made = await api.post(
        "/api/v1/sync",
        json={"instance_ids": ["MY toy"], "kinds": ["movie"], "ops": ["posters"], "dry_run": True},
    )
    assert made.status_code == 202
    again = await api.post(
        "/api/v1/sync",
        json={"instance_ids": [room.toy], "kinds": ["movie"], "ops": ["posters"], "dry_run": True},
    )
    assert again.json() == made.json(), "who asks for the same gets the same run"
    run_id = made.json()["run_id"]
    shown = (await api.get(f"/api/v1/sync/runs/{run_id}")).json()
    assert shown["run"]["args"]["kinds"] == ["movie"] and shown["run"]["state"] == "queued"
    assert shown["progress"]["done"] == 0
    assert (await api.get(f"/api/v1/sync/runs/{run_id}/changes")).json() == {"items": [], "after": None}
    assert (await api.post(f"/api/v1/sync/runs/{run_id}/retry")).status_code == 422
    cancelled = await api.post(f"/api/v1/sync/runs/{run_id}/cancel")
    assert cancelled.json()["run"]["state"] == "cancelled"
    assert [one["id"] for one in (await api.get("/api/v1/sync/runs")).json()] == [run_id]
    assert (await api.get("/api/v1/sync/runs", params={"before": run_id})).json() == []
    nonsense: tuple[dict[str, Any], ...] = (
        {"ops": ["sound"]},
        {"instance_ids": ["nowhere"]},
        {"titles": []},
        {"surprise": 1},
    )
    for wrong in nonsense:
        assert (await api.post("/api/v1/sync", json=wrong)).status_code == 422
    (settings,) = (await api.get("/api/v1/sync/instances")).json()
    assert settings["every"] == 6 * 3600
    changed = await api.patch(f"/api/v1/sync/instances/{room.toy}", json={"every": 0, "version": 0})
    assert (changed.json()["every"], changed.json()["version"]) == (0, 1)
    assert (await room.ben.client.get("/api/v1/sync/runs")).status_code == 403
