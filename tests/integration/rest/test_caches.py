"""The caches as admins see them: figures of each, and emptying, which leaves a trace."""

from __future__ import annotations

from typing import Any

from medianest_core.cache.cached import Facts
from medianest_core.web.portal.app import Portal
from medianest_core.web.rest.mount import RestApi


async def test_admins_see_and_empty_caches(gate: Any) -> None:
    gate.serve([*RestApi(gate.services).routes(), *Portal(gate.services).routes()])
    ada, bob = await gate.person("Ada", role="admin"), await gate.person("Bob")

    async def word() -> str:
        return "x"

    words = gate.services.caches.add("words", str, fresh=60, stale=300)
    await words.get("a", word)
    await words.get("a", word)
    found = {one["name"]: one for one in (await ada.client.get("/api/v1/caches")).json()}
    assert found["words"]["hits"] == found["words"]["misses"] == found["words"]["entries"] == 1
    assert {"answers", "pieces"} <= set(found)
    shown = await ada.client.get("/admin/caches")
    assert "words" in shown.text and "50" in shown.text
    assert (await bob.client.get("/api/v1/caches")).status_code == 403
    assert (await bob.client.delete("/api/v1/caches/words")).status_code == 403
    assert (await ada.client.delete("/api/v1/caches/words")).status_code == 204
    assert (await ada.client.delete("/api/v1/caches/nothing")).status_code == 404
    facts: Facts = await words.facts()
    assert facts.entries == 0
    await words.get("a", word)
    emptied = await ada.client.post("/admin/caches/words/clear", headers={"origin": "http://portal.test"})
    assert emptied.status_code == 303
    assert (await words.facts()).entries == 0
    entries = (await ada.client.get("/api/v1/audit")).json()
    rows = entries["items"] if isinstance(entries, dict) else entries
    assert [row["target"] for row in rows if row["action"] == "caches.clear"] == ["words", "words"]
