"""The simulator answers as Seerr 3.1 and Overseerr were seen to answer, refusals included."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from medianest_core.testing.simulators import RunningSimulator
from medianest_overseerr.simulation.people import PASSWORD
from medianest_overseerr.simulation.webhooks import DEFAULT_TEMPLATE, fill

from .seerr_kit import Plugged

BOTH = pytest.mark.parametrize("profile", ["seerr", "overseerr"], indirect=True)
OVERSEERR = pytest.mark.parametrize("profile", ["overseerr"], indirect=True)


class Raw:
    """The API without the plugin's client."""

    def __init__(self, served: RunningSimulator, key: str) -> None:
        self.url, self.key = served.url, key

    async def __call__(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        sent = {"X-Api-Key": self.key} if headers is None else headers
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=60) as client:
            reply = await client.request(method, f"{self.url}/api/v1{path}", json=body, headers=sent)
        return reply.status_code, reply.json() if reply.content else None

    async def control(self, path: str, body: Any = None) -> Any:
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=60) as client:
            reply = await client.post(f"{self.url}/_sim{path}", json=body or {})
        return reply.json()


@pytest.fixture
def raw(seerr: Plugged, served: RunningSimulator) -> Raw:
    return Raw(served, seerr.world.api_key)


async def test_both_shapes_of_refusal(raw: Raw, seerr: Plugged) -> None:
    refused = {"status": 403, "error": "You do not have permission to access this endpoint"}
    status, body = await raw("GET", "/request", headers={})
    assert status == 401 and body["message"] == "cookie 'connect.sid' required"
    assert body["errors"][0]["path"] == "/api/v1/request"
    assert await raw("GET", "/request", headers={"X-Api-Key": "wrong"}) == (403, refused)
    assert await raw("GET", "/request", headers={"Cookie": "connect.sid=wrong"}) == (403, refused)
    assert await raw("GET", "/request", headers={"X-Api-Key": raw.key, "X-Api-User": "99"}) == (403, refused)
    casey = {"X-Api-Key": raw.key, "X-Api-User": "2"}
    assert await raw("GET", "/settings/notifications/webhook", headers=casey) == (403, refused)
    assert await raw("POST", "/request/1/approve", headers=casey) == (403, refused)
    assert (await raw("GET", "/nothing/here", headers={}))[1]["message"] == "not found"
    assert (await raw("GET", "/status", headers={}))[0] == 200


async def test_a_session_instead_of_a_key(raw: Raw, served: RunningSimulator) -> None:
    wrong = await raw("POST", "/auth/local", {"email": "casey@example.test", "password": "no"}, headers={})
    assert wrong == (403, {"message": "Access denied."})
    async with httpx.AsyncClient(
        trust_env=False, verify=False, timeout=60, base_url=f"{served.url}/api/v1"
    ) as client:
        shown = await client.post("/auth/local", json={"email": "casey@example.test", "password": PASSWORD})
        assert shown.json()["permissions"] == 0
        assert "HttpOnly" in shown.headers["set-cookie"] and "SameSite=lax" in shown.headers["set-cookie"]
        me = (await client.get("/auth/me")).json()
    assert me["id"] == 2 and me["permissions"] != 0


@pytest.mark.parametrize(
    ("method", "path", "body", "where", "code"),
    [
        ("GET", "/request?bogus=1", None, ".query.bogus", None),
        ("GET", "/request?take=x", None, ".query.take", "type.openapi.validation"),
        ("GET", "/request?filter=mine", None, ".query.filter", "enum.openapi.validation"),
        ("GET", "/search?query=the+matrix", None, ".query.query", None),
        ("GET", "/search?query=it's", None, ".query.query", None),
        ("GET", "/search?query=", None, ".query.query", None),
        ("POST", "/request", {"mediaType": "movie"}, ".body.mediaId", "required.openapi.validation"),
        (
            "POST",
            "/request",
            {"mediaType": "movie", "mediaId": "603"},
            ".body.mediaId",
            "type.openapi.validation",
        ),
        (
            "POST",
            "/request",
            {"mediaType": "song", "mediaId": 603},
            ".body.mediaType",
            "enum.openapi.validation",
        ),
        ("POST", "/request/1/pending", None, ".params.status", "enum.openapi.validation"),
        ("POST", "/media/1/lost", {}, ".params.status", "enum.openapi.validation"),
    ],
)
async def test_what_is_not_as_specified(
    raw: Raw, method: str, path: str, body: Any, where: str, code: str | None
) -> None:
    status, found = await raw(method, path, body)
    assert status == 400 and found["errors"][0]["path"] == where
    assert found["errors"][0].get("errorCode") == code
    assert found["message"]


@OVERSEERR
async def test_overseerr_does_not_know_what_seerr_added(raw: Raw) -> None:
    assert (await raw("GET", "/request?filter=completed"))[0] == 400
    assert (await raw("GET", "/request?mediaType=tv"))[0] == 400
    assert "mediaServerType" not in (await raw("GET", "/settings/public"))[1]
    assert "completed" not in (await raw("GET", "/request/count"))[1]


@BOTH
async def test_statuses_of_making_requests(raw: Raw, seerr: Plugged) -> None:
    # Without a Sonarr that takes them over nothing but the requests themselves tells of the seasons.
    seerr.world.options.servers = False
    film, series = seerr.film(), seerr.series(2)
    body = {"mediaType": "movie", "mediaId": film.tmdb, "is4k": False}
    status, made = await raw("POST", "/request", body)
    assert status == 201 and made["createdAt"].endswith(".000Z") and "rootFolder" not in made
    assert await raw("POST", "/request", body) == (409, {"message": "Request for this media already exists."})
    show = {"mediaType": "tv", "mediaId": series.tmdb, "is4k": False, "seasons": [1]}
    assert (await raw("POST", "/request", show))[0] == 201
    nothing = {"message": "No seasons available to request"}
    assert await raw("POST", "/request", show) == (202, nothing)
    assert await raw("POST", "/request", {**show, "seasons": []}) == (202, nothing)
    forgetful = {name: value for name, value in show.items() if name != "is4k"}
    assert (await raw("POST", "/request", forgetful))[0] == 201
    assert (await raw("POST", "/request", {**show, "seasons": None}))[0] == 500
    assert await raw("POST", "/request", {**body, "mediaId": 1}) == (
        500,
        {"message": "[TMDB] Failed to fetch movie details: Request failed with status code 404"},
    )
    for path in ("/movie/1", "/issue/1"):
        assert (await raw("GET", path))[0] == 500
    assert await raw("GET", "/request/4711") == (404, {"message": "Request not found."})
    assert (await raw("DELETE", f"/request/{made['id']}"))[0] == 204


@BOTH
async def test_all_seasons_and_asking_for_what_was_finished(raw: Raw, seerr: Plugged, profile: str) -> None:
    series, film = seerr.series(2), seerr.film()
    await raw(
        "POST", "/request", {"mediaType": "tv", "mediaId": series.tmdb, "is4k": False, "seasons": "all"}
    )
    assert (0 in seerr.made()[0]["seasons"]) is (profile == "overseerr")
    body = {"mediaType": "movie", "mediaId": film.tmdb, "is4k": False}
    _, made = await raw("POST", "/request", body)
    await raw.control("/available", {"request": made["id"]})
    _, found = await raw("GET", f"/request/{made['id']}")
    assert found["status"] == (5 if profile == "seerr" else 2) and found["media"]["status"] == 5
    assert (await raw("POST", "/request", body))[0] == (201 if profile == "seerr" else 409)


async def test_approving_answers_before_the_title_moves(raw: Raw, seerr: Plugged) -> None:
    seerr.world.options.process_seconds = 3600.0
    body = {"mediaType": "movie", "mediaId": seerr.film().tmdb, "is4k": False}
    casey = {"X-Api-Key": raw.key, "X-Api-User": "2"}
    _, made = await raw("POST", "/request", body, headers=casey)
    assert (made["status"], made["media"]["status"]) == (1, 2)
    _, found = await raw("POST", f"/request/{made['id']}/approve")
    assert (found["status"], found["media"]["status"]) == (2, 2)
    found = await raw.control("/process", {"request": made["id"]})
    assert found["media"]["status"] == 3
    _, found = await raw("POST", f"/request/{made['id']}/decline")
    assert (found["status"], found["media"]["status"]) == (3, 1)
    _, found = await raw("POST", f"/request/{made['id']}/retry")
    assert found["status"] == 2


async def test_who_sees_whose_requests(raw: Raw, seerr: Plugged) -> None:
    body = {"mediaType": "movie", "mediaId": seerr.film().tmdb, "is4k": False}
    await raw("POST", "/request", body)
    casey = {"X-Api-Key": raw.key, "X-Api-User": "2"}
    assert (await raw("GET", "/request", headers=casey))[1]["results"] == []
    refused = await raw("GET", "/request?requestedBy=1", headers=casey)
    assert refused == (403, {"message": "You do not have permission to view this user's requests."})
    _, shown = await raw("GET", "/user", headers=casey)
    assert "email" not in shown["results"][0] and "plexId" not in shown["results"][0]
    assert (await raw("GET", "/user?take=2&skip=2"))[1]["pageInfo"] == {
        "pages": 2,
        "pageSize": 2,
        "results": 4,
        "page": 2,
    }
    _, listed = await raw("GET", "/request")
    assert "seasons" not in listed["results"][0]["media"]


async def test_people_can_be_added_and_taken_over_from_plex(raw: Raw) -> None:
    status, made = await raw("POST", "/user", {"email": "new@example.test", "username": "new"})
    assert status == 201 and made["permissions"] == 32
    status, body = await raw("POST", "/user", {"email": "new@example.test"})
    assert status == 409 and body["errors"] == ["USER_EXISTS"]
    status, taken = await raw("POST", "/user/import-from-plex", {})
    assert status == 201 and [person["plexId"] for person in taken] == [1000004]
    assert (await raw("POST", "/user/import-from-plex", {}))[1] == []


async def test_issues_are_made_with_200(raw: Raw, seerr: Plugged) -> None:
    media = seerr.world.media_of(seerr.film())
    status, issue = await raw("POST", "/issue", {"issueType": 2, "message": "No sound", "mediaId": media.id})
    assert status == 200 and issue["comments"][0]["message"] == "No sound"
    _, counts = await raw("GET", "/issue/count")
    assert counts == {"total": 1, "video": 0, "audio": 1, "subtitles": 0, "others": 0, "open": 1, "closed": 0}
    assert (await raw("POST", f"/issue/{issue['id']}/resolved"))[1]["status"] == 2
    assert await raw("POST", "/issue", {"issueType": 2, "message": "", "mediaId": 9999}) == (
        404,
        {"message": "Media does not exist."},
    )
    assert (await raw("DELETE", f"/issue/{issue['id']}"))[0] == 204


async def test_the_template_must_be_saved_as_a_string(raw: Raw, seerr: Plugged) -> None:
    path = "/settings/notifications/webhook"
    plain = {
        "enabled": True,
        "types": 2,
        "options": {"webhookUrl": "http://127.0.0.1:9/x", "jsonPayload": "{}"},
    }
    assert (await raw("POST", path, plain))[0] == 200
    refused = await raw("POST", f"{path}/test", plain)
    assert refused == (500, {"message": "Failed to send webhook notification."})
    await raw("POST", "/request", {"mediaType": "movie", "mediaId": seerr.film().tmdb, "is4k": False})
    broken = {"enabled": True, "types": 128, "options": plain["options"]}
    await raw("POST", path, broken)
    await raw("POST", "/request", {"mediaType": "movie", "mediaId": seerr.film(1).tmdb, "is4k": False})
    assert seerr.simulator.ledger.entries("webhook.broken")
    assert not seerr.simulator.ledger.entries("webhook.sent")


def test_a_filled_in_template() -> None:
    values: dict[str, Any] = {
        "notification_type": "ISSUE_COMMENT",
        "subject": "Salt (2024)",
        "media_tmdbid": 603,
        "media_tvdbid": None,
        "comment_message": "look: $& and $$",
        "extra": [],
        "blocks": {"media", "comment"},
    }
    body = fill(json.dumps(DEFAULT_TEMPLATE), values)
    assert body["media"]["tmdbId"] == "603" and body["media"]["tvdbId"] == ""
    assert body["request"] is None and body["issue"] is None and body["extra"] == []
    assert body["comment"]["comment_message"] == "look: {{comment_message}} and $"
    own = json.dumps(json.dumps({"text": "{{subject}} {{subject}}", "n": 5}))
    assert fill(own, values) == {"text": "Salt (2024) {{subject}}", "n": 5}


async def test_control(raw: Raw, seerr: Plugged, served: RunningSimulator) -> None:
    film = seerr.film()
    shown = await raw.control("/available", {"tmdb": film.tmdb})
    assert shown["status"] == 5
    assert (await raw.control("/remove", {"tmdb": film.tmdb}))["status"] == 7
    for path, body in (("/available", {"tmdb": 1}), ("/fail", {"request": 5}), ("/process", {})):
        assert "error" in await raw.control(path, body)
    old = raw.key
    raw.key = (await raw.control("/rotate-key"))["api_key"]
    assert raw.key != old and (await raw("GET", "/request"))[0] == 200
    assert (await raw.control("/restart"))["required"] is True
    assert (await raw("GET", "/status"))[1]["restartRequired"] is True
    await raw.control("/reset")
    raw.key = old
    assert (await raw("GET", "/media"))[1]["results"] == []
