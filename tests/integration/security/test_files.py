"""Files that strangers' sites brought are never opened as something that could act in the portal's name."""

from __future__ import annotations

import pytest

from medianest_core.store.tables.downloads import download_files, download_items, downloads

from .conftest import House


async def _planted(house: House, name: str, media_type: str) -> None:
    root = house.services.downloads.places.root
    root.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(b"<script>alert(1)</script>")
    owner = {"user_id": house.admin.id, "instance_id": "none"}
    async with house.services.db.begin() as tx:
        await tx.execute(
            downloads.insert().values(
                **owner,
                id="d1",
                url="http://x/",
                kind="video",
                title="mine",
                quality="",
                container="mp4",
                folder="f",
                status="done",
                position=1.0,
                created_at=1.0,
                subtitles=[],
                filing={},
            )
        )
        await tx.execute(
            download_items.insert().values(
                **owner,
                id="i1",
                download_id="d1",
                key="k",
                form="video",
                url="http://x/",
                title="mine",
                number=1,
                facts={},
                status="done",
            )
        )
        await tx.execute(
            download_files.insert().values(
                id="f1",
                item_id="i1",
                user_id=house.admin.id,
                path=name,
                kind="media",
                size=25,
                media_type=media_type,
            )
        )


PATHS = ("/downloads/d1/files/f1", "/api/v1/downloads/files/f1")


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.html", "text/html"), ("a.nfo", "text/xml"), ("a.svg", "image/svg+xml"), ("a.js", "text/javascript")],
)
async def test_what_could_act_as_a_page_is_only_saved(house: House, name: str, media_type: str) -> None:
    await _planted(house, name, media_type)
    client = house.client((await house.sign_in()).cookie)
    for path in PATHS:
        answer = await client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "application/octet-stream", path
        assert answer.headers["content-disposition"].startswith("attachment"), path
        assert answer.headers["x-content-type-options"] == "nosniff", path


async def test_films_play_in_the_page_and_others_get_nothing(house: House) -> None:
    await _planted(house, "a.mp4", "video/mp4")
    owner = house.client((await house.sign_in()).cookie)
    guest = house.client((await house.plex_person("casey"))[1])
    for path in PATHS:
        answer = await owner.get(path, headers={"range": "bytes=0-3"})
        told = (answer.status_code, answer.headers["content-type"], answer.content)
        assert told == (206, "video/mp4", b"<scr"), path
        assert (await guest.get(path)).status_code == 404, path


async def test_a_stored_path_that_leads_out_of_the_folder_is_not_followed(house: House) -> None:
    secret = house.services.settings.data_dir / "keys.json"
    await _planted(house, "a.mp4", "video/mp4")
    root = house.services.downloads.places.root
    (root / "link.mp4").symlink_to(secret)
    client = house.client((await house.sign_in()).cookie)
    for stored in ("../keys.json", str(secret), "link.mp4", "a.mp4/../../keys.json"):
        async with house.services.db.begin() as tx:
            await tx.execute(download_files.update().values(path=stored))
        assert (await client.get("/downloads/d1/files/f1")).status_code == 404, stored
