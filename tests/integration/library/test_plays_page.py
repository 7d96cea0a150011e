"""The title page says whether the browser that asks plays the title, without any script."""

from __future__ import annotations

from typing import Any

import pytest

from medianest_core.domain.library.pictures.placeholders import Placeholders
from medianest_core.store.tables.library import picture_blurs
from medianest_core.web.portal.app import Portal
from tests.fakes.media import movie
from tests.integration.library.rollbacks import Shelves

FIREFOX = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"}
SAFARI = {
    "user-agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15"
}
HDR = {"video_codec": "hevc", "bit_depth": 10, "hdr": "HDR10", "audio_codec": "aac", "height": 2160}
PLAIN = {"video_codec": "h264", "bit_depth": 8, "audio_codec": "aac", "height": 1080}
PREVIEW = "data:image/webp;base64,UklGRg=="


@pytest.fixture
async def house(gate: Any) -> Any:
    gate.serve(Portal(gate.services).routes())
    shelves = Shelves(gate.services.db)
    await shelves.run(
        {"a": [movie("1", "Heat", fields={"media": HDR}), movie("2", "Cold", fields={"media": PLAIN})]}
    )
    gate.ids = await gate.services.library.titles_at("a", ["1", "2"])
    return gate


async def said(house: Any, key: str, headers: dict[str, str], language: str = "en") -> tuple[bool, bool, str]:
    """Whether the page shows that it plays, that it does not, and the page's text."""
    root = await house.person(f"Root {key} {len(headers['user-agent'])} {language}", "admin")
    answer = await root.client.get(
        f"/title/{house.ids[key]}", headers={**headers, "accept-language": language}
    )
    assert answer.status_code == 200
    text = answer.text
    return 'data-plays-for="plays">' in text, 'data-plays-for="fails">' in text, text


async def test_hevc_in_hdr_is_warned_of_in_firefox_and_h264_is_not(house: Any) -> None:
    plays, fails, text = await said(house, "1", FIREFOX)
    assert (plays, fails) == (False, True)
    assert "The picture is coded as HEVC." in text and "The colours are in HDR10." in text
    assert "Cast it, or use Safari." in text
    plays, fails, _ = await said(house, "2", FIREFOX)
    assert (plays, fails) == (True, False)


async def test_in_safari_it_plays(house: Any) -> None:
    plays, fails, _ = await said(house, "1", SAFARI)
    assert (plays, fails) == (True, False)


async def test_in_german_too(house: Any) -> None:
    _, _, text = await said(house, "1", FIREFOX, "de")
    assert "Läuft hier nicht unverändert" in text and "Das Bild ist als HEVC kodiert." in text


async def test_a_poster_has_its_placeholder_beneath_it(house: Any) -> None:
    services = house.services
    title = await services.library.titles.detail(house.ids["1"])
    async with services.db.begin() as tx:
        version = title.row.poster.rpartition("-")[2]
        await tx.execute(picture_blurs.insert().values(version=version, blurhash="x", preview=PREVIEW))
    assert isinstance(services.placeholders, Placeholders)
    root = await house.person("Root", "admin")
    for path in ("/library", f"/title/{house.ids['1']}"):
        page = (await root.client.get(path)).text
        assert page.count(f'<img src="{PREVIEW}" alt="">') == 1
        assert page.index(PREVIEW) < page.index(f'src="/img/{title.row.poster}')
