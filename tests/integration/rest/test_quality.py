"""The plugins page tells where a plugin stands on the quality scale, in the reader's language; the core's own have no place on it."""

from __future__ import annotations

from typing import Any

from medianest_core.host.quality import Level
from medianest_core.web.portal.app import Portal

HTML = {"accept": "text/html"}


async def test_level_and_what_the_next_one_asks_for(toy_gate: Any) -> None:
    toy_gate.serve(Portal(toy_gate.services).routes())
    ada = await toy_gate.person("Ada", "admin")
    quality = await toy_gate.services.host.quality()
    assert set(quality) == {"toy"} and quality["toy"].level is Level.NONE
    page = (await ada.client.get("/admin/plugins/toy", headers={**HTML, "accept-language": "de"})).text
    assert "Noch unter Bronze" in page and "Was für Bronze fehlt:" in page
    assert "Seine Tests laufen gegen eine Nachbildung des Dienstes" in page
    again = await toy_gate.services.host.quality()
    assert again["toy"] is quality["toy"], "its files are read once"
    assert (await ada.client.get("/admin/plugins", headers=HTML)).status_code == 200
    builtin = (await ada.client.get("/admin/plugins/local", headers=HTML)).text
    assert "Below bronze" not in builtin
