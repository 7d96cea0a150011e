"""What Radarr and Sonarr post, and how a connection is made there."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from medianest_core.base.http_factory import HttpFactory
from medianest_core.sdk import Delivery, Hint, InvalidResponse, Rejected
from medianest_core.testing.loopback import serving

from .arr_kit import Plugged, film_item, plug, series_item, wished_film, wished_series


class Box:
    """Keeps what was posted."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.status = 202
        self.url = ""

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        found = [json.loads(one.body) for one in self.deliveries]
        return [body for body in found if body["eventType"] == kind]


@pytest.fixture
async def box() -> AsyncIterator[Box]:
    made = Box()

    async def take(request: Request) -> Response:
        made.deliveries.append(Delivery(dict(request.headers), await request.body()))
        return Response(status_code=made.status)

    async with serving(Starlette(routes=[Route("/hook/{token}", take, methods=["POST"])])) as url:
        made.url = f"{url}/hook/secret"
        yield made


async def test_a_connection_is_made_renewed_and_removed(radarr: Plugged, box: Box) -> None:
    receiver = radarr.webhooks()
    await receiver.register(box.url)
    (row,) = radarr.films.notifications.values()
    assert row["name"] == "MediaNest"
    assert row["onGrab"] is row["onMovieFileDelete"] is row["onHealthRestored"] is True
    assert [body["eventType"] for body in map(json.loads, (one.body for one in box.deliveries))] == ["Test"]
    await receiver.register(box.url)
    assert len(radarr.films.notifications) == 1
    await receiver.register(box.url + "-other")
    assert sorted(row["name"] for row in radarr.films.notifications.values()) == ["MediaNest", "MediaNest 2"]
    await receiver.unregister(box.url)
    await receiver.unregister(box.url)
    assert len(radarr.films.notifications) == 1


async def test_an_address_that_does_not_answer_is_told(radarr: Plugged, box: Box) -> None:
    box.status = 500
    with pytest.raises(Rejected, match="Unable to send test message"):
        await radarr.webhooks().register(box.url)
    assert radarr.films.notifications == {}


async def test_messages_of_a_film(radarr: Plugged, box: Box) -> None:
    receiver = radarr.webhooks()
    await receiver.register(box.url)
    state = await radarr.radarr.submit(film_item(wished_film()), "")
    radarr.pass_time(90)
    await radarr.simulator.ledger.wait_for("webhook.sent", 4)
    hints = {json.loads(one.body)["eventType"]: receiver.parse(one) for one in box.deliveries}
    known = wished_film().ids
    keys = [f"{name}:{known[name]}" for name in ("tmdb", "imdb") if name in known]
    keys.append(f"title:{wished_film().title}")
    for kind in ("MovieAdded", "Grab"):
        assert (hints[kind].topic, hints[kind].keys) == ("request.changed", [state.reference])
    assert (hints["Download"].topic, hints["Download"].keys) == ("media.changed", keys)
    assert hints["Download"].facts["reference"] == state.reference
    assert hints["Download"].summary == f"{wished_film().title} was imported."
    assert hints["Test"].topic == "test"
    assert all(receiver.delivery_id(one) is None for one in box.deliveries)


async def test_messages_of_a_series(sonarr: Plugged, box: Box) -> None:
    receiver = sonarr.webhooks()
    await receiver.register(box.url)
    await sonarr.sonarr.submit(series_item(wished_series(), seasons=[1]), "")
    sonarr.pass_time(90)
    series = sonarr.shows.by_tvdb(wished_series().ids["tvdb"])
    assert series is not None
    count = sum(one.season == 1 for one in series.episodes)
    await sonarr.simulator.ledger.wait_for("webhook.sent", count + 4)
    imports = box.bodies("Download")
    assert len([body for body in imports if "isUpgrade" in body]) == count
    assert len([body for body in imports if "episodeFiles" in body]) == 1
    assert "release" not in box.bodies("Test")[0]
    for one in box.deliveries:
        hint = receiver.parse(one)
        assert hint is not None
        if hint.topic == "media.changed":
            show, *others = hint.keys
            assert show == f"tvdb:{series.title.ids['tvdb']}" and others[-1] == f"title:{series.title.title}"
            assert any(key.startswith(f"{show}/1x") for key in others)


@pytest.mark.parametrize(
    ("body", "topic", "keys"),
    [
        ({"eventType": "Rename", "movie": {"id": 4, "tmdbId": 603}}, "media.changed", ["tmdb:603"]),
        (
            {"eventType": "MovieDelete", "movie": {"id": 4, "tmdbId": 603}, "deletedFiles": True},
            "media.removed",
            ["tmdb:603"],
        ),
        (
            {"eventType": "Download", "movie": {"id": 4, "tmdbId": 603}, "deletedFiles": [{"id": 1}]},
            "media.changed",
            ["tmdb:603"],
        ),
        ({"eventType": "SeriesDelete", "series": {"id": 2, "tvdbId": 9}}, "media.removed", ["tvdb:9"]),
        (
            {
                "eventType": "Download",
                "series": {"id": 2, "tvdbId": 9, "tmdbId": 5, "title": "Dark"},
                "episodes": [
                    {"seasonNumber": 1, "episodeNumber": 2},
                    {"seasonNumber": 1, "episodeNumber": 3},
                ],
            },
            "media.changed",
            ["tvdb:9", "tvdb:9/1x2", "tvdb:9/1x3", "title:Dark"],
        ),
        ({"eventType": "Rename", "movie": {"id": 4, "title": "Heat"}}, "media.changed", []),
        (
            # No episode is named: what follows it reads all of the show.
            {
                "eventType": "Rename",
                "series": {"id": 2, "tvdbId": 9, "imdbId": "tt9", "title": "Dark"},
                "renamedEpisodeFiles": [{"id": 5, "relativePath": "Season 1/Dark.mkv", "previousPath": "/x"}],
            },
            "media.changed",
            ["tvdb:9", "imdb:tt9", "title:Dark"],
        ),
        ({"eventType": "ManualInteractionRequired", "movie": {"id": 4}}, "request.changed", ["movie/4"]),
        (
            {"eventType": "Grab", "series": {"id": 2, "tvdbId": 9}, "episodes": [{"seasonNumber": 1}]},
            "request.changed",
            [],
        ),
        ({"eventType": "Health", "level": "error", "message": "No indexers"}, "status.changed", []),
        ({"eventType": "HealthRestored", "level": "warning", "message": "Fine"}, "status.changed", []),
    ],
)
async def test_other_messages(radarr: Plugged, body: dict[str, Any], topic: str, keys: list[str]) -> None:
    hint = radarr.webhooks().parse(Delivery({}, json.dumps(body).encode()))
    assert isinstance(hint, Hint)
    assert (hint.topic, list(hint.keys)) == (topic, keys)


async def test_messages_of_no_interest_and_no_messages(radarr: Plugged) -> None:
    receiver = radarr.webhooks()
    assert receiver.parse(Delivery({}, b'{"eventType": "SomethingNew", "movie": {}}')) is None
    assert receiver.parse(Delivery({}, b'{"eventType": "Grab"}')) is None
    for content in (b"", b"[]", b"{", b'{"eventType": null}', b'{"movie": {}}', b"\xff", b"[" * 100_000):
        with pytest.raises(InvalidResponse):
            receiver.parse(Delivery({}, content))


def basic(text: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


async def test_messages_without_the_password_are_refused(
    radarr: Plugged, box: Box, factory: HttpFactory
) -> None:
    assert radarr.webhooks().verify(Delivery({}, b"{}"))
    from medianest_core.testing.simulators import RunningSimulator

    served = RunningSimulator(radarr.url, radarr.simulator, None, None)  # type: ignore[arg-type]  # runs already
    guarded = await plug(factory, served, webhook_password="pa:ss wörd")  # a test's own
    receiver = guarded.webhooks()
    await receiver.register(box.url)
    assert receiver.verify(box.deliveries[0])
    assert receiver.verify(Delivery({"x-webhook-secret": "pa:ss wörd"}, b""))
    for headers in (
        {},
        basic("medianest:wrong"),
        basic("other:pa:ss wörd"),
        basic("medianest"),
        {"authorization": "Basic %"},
    ):
        assert not receiver.verify(Delivery(headers, b""))


async def test_renames_deletions_health_and_calls_for_help(radarr: Plugged, box: Box) -> None:
    receiver = radarr.webhooks()
    await receiver.register(box.url)
    radarr.films.fates[wished_film().ids["tmdb"]] = "import"
    await radarr.radarr.submit(film_item(wished_film()), "")
    radarr.pass_time(90)
    held = next(film for film in radarr.films.films.values() if film.file)
    assert held.file is not None
    held.file.path += ".old"
    await radarr.client.command("RenameFiles", movieId=held.id, files=[held.file.id])
    radarr.pass_time(2)
    await radarr.client.delete(f"/moviefile/{held.file.id}")
    await radarr.client.delete(f"/movie/{held.id}")
    control = f"{radarr.url}/_sim/health"
    complaint = {"source": "IndexerRssCheck", "type": "error", "message": "No indexers available"}
    for rows in ([complaint], []):
        (await radarr.http.request("PUT", control, json=rows)).raise_for_status()
    await radarr.simulator.ledger.wait_for("webhook.sent", 9)
    hints = {json.loads(one.body)["eventType"]: receiver.parse(one) for one in box.deliveries}
    topics = {kind: hint.topic for kind, hint in hints.items()}
    assert topics == {
        "Test": "test",
        "MovieAdded": "request.changed",
        "Grab": "request.changed",
        "ManualInteractionRequired": "request.changed",
        "Rename": "media.changed",
        "MovieFileDelete": "media.changed",
        "MovieDelete": "media.removed",
        "Health": "status.changed",
        "HealthRestored": "status.changed",
    }
    assert hints["Health"].summary == "No indexers available"


async def test_renames_of_a_series(sonarr: Plugged, box: Box) -> None:
    await sonarr.webhooks().register(box.url)
    series = next(iter(sonarr.shows.series.values()))
    for one in series.episodes:
        if one.file:
            one.file.path += ".old"
    await sonarr.client.command("RenameSeries", seriesId=series.id)
    sonarr.pass_time(2)
    await sonarr.simulator.ledger.wait_for("webhook.sent", 2)
    hint = sonarr.webhooks().parse(box.deliveries[-1])
    assert hint is not None
    assert hint.topic == "media.changed"
    assert hint.keys[0] == f"tvdb:{series.title.ids['tvdb']}"
    assert hint.keys[-1] == f"title:{series.title.title}"
