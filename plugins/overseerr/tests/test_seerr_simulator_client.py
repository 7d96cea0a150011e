"""The simulator before a client that knows nothing of it: PyPI's "overseerr", generated from Overseerr's own specification.

It checks the types of all fields that it names, and what it sends is valid by that specification. It cannot check: the Radarrs and Sonarrs behind it (it wants their
secrets, which the service does not tell), the answer to POST /issue (its specification promises another status), and what only Seerr has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import overseerr
import pytest
from overseerr.exceptions import ApiException, ForbiddenException, ServiceException, UnauthorizedException

from medianest_core.testing.threaded import threaded
from medianest_overseerr.simulation.titles import Titles
from medianest_overseerr.simulator import SeerrSimulator


@pytest.fixture(scope="module", params=["overseerr", "seerr"])
def simulator(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SeerrSimulator]:
    made = SeerrSimulator(data_dir=Path(tmp_path_factory.mktemp("client")), profile=request.param)
    with threaded(made):
        yield made


@pytest.fixture
def api(simulator: SeerrSimulator) -> Iterator[overseerr.ApiClient]:
    # The world lives in the simulator's own loop and thread.
    simulator.ledger.clear()
    settings = overseerr.Configuration(
        host=f"{simulator.base_url}/api/v1", api_key={"apiKey": simulator.world.api_key}
    )
    with overseerr.ApiClient(settings) as client:
        yield client


def film(index: int) -> int:
    """TMDB id of one that nobody has."""
    return [work.tmdb for work in Titles().all("movie") if not work.owned][index]


def wanted(**body: object) -> overseerr.CreateRequestRequest:
    found = overseerr.CreateRequestRequest.from_dict(body)
    assert found is not None
    return found


def test_what_it_is(api: overseerr.ApiClient, simulator: SeerrSimulator) -> None:
    public = overseerr.PublicApi(api)
    status = public.get_status()
    assert status.version == ("3.1.0" if simulator.world.options.seerr else "1.34.0")
    assert overseerr.SettingsApi(api).get_public().initialized is True
    me = overseerr.AuthApi(api).get_auth_me()
    assert (me.id, me.email, me.user_type, me.permissions) == (1, "owner@example.test", 1, 2)


def test_a_request_from_making_to_deleting(api: overseerr.ApiClient, simulator: SeerrSimulator) -> None:
    requests, tmdb = overseerr.RequestApi(api), film(0)
    made = requests.create_request(wanted(mediaType="movie", mediaId=tmdb, is4k=False, userId=2))
    assert made.media is not None and made.media.tmdb_id == tmdb and made.requested_by is not None
    assert made.requested_by.id == 2
    found = requests.get_request_by_request_id(str(int(made.id)))
    assert found.id == made.id and found.is4k is False
    listed = requests.get_request(take=5, skip=0, filter="all", sort="modified")
    assert listed.page_info is not None and listed.page_info.results == 1
    assert [row.id for row in listed.results or []] == [made.id]
    counts = requests.get_request_count()
    assert (counts.total, counts.movie, counts.tv) == (1, 1, 0)
    with pytest.raises(ApiException) as second:
        requests.create_request(wanted(mediaType="movie", mediaId=tmdb, is4k=False))
    assert second.value.status == 409
    declined = requests.create_request_by_status(str(int(made.id)), "decline")
    assert declined.status == 3
    approved = requests.create_request_by_status(str(int(made.id)), "approve")
    assert approved.status == 2
    requests.delete_request(str(int(made.id)))
    with pytest.raises(overseerr.exceptions.NotFoundException):
        requests.get_request_by_request_id(str(int(made.id)))
    kinds = [entry["kind"] for entry in simulator.ledger.entries() if entry["kind"].startswith("request.")]
    assert kinds == ["request.created", "request.declined", "request.approved", "request.deleted"]


def test_seasons(api: overseerr.ApiClient, simulator: SeerrSimulator) -> None:
    series = next(work for work in Titles().all("tv") if work.facts.seasons >= 2)
    requests = overseerr.RequestApi(api)
    made = requests.create_request(wanted(mediaType="tv", mediaId=series.tmdb, is4k=False, seasons=[1, 2]))
    assert simulator.ledger.facts("request.created")[0]["seasons"] == [1, 2]
    details = overseerr.TvApi(api).get_tv_by_tv_id(series.tmdb)
    assert details.name == series.name and details.media_info is not None
    assert [row.id for row in details.media_info.requests or []] == [made.id]
    assert len(details.seasons or []) == series.facts.seasons + 1
    requests.delete_request(str(int(made.id)))


def test_titles(api: overseerr.ApiClient) -> None:
    work = Titles().all("movie")[0]
    found = overseerr.SearchApi(api).get_search(work.name.replace("'", "%27").split("%27")[0].split(" ")[-1])
    assert found.total_results is not None and found.page == 1
    rows = [row.actual_instance for row in found.results or []]
    assert all(isinstance(row, overseerr.MovieResult | overseerr.TvResult) for row in rows)
    details = overseerr.MoviesApi(api).get_movie_by_movie_id(work.tmdb)
    assert (details.title, details.runtime, details.imdb_id) == (work.name, work.facts.minutes, work.imdb)
    assert details.credits is not None and details.external_ids is not None
    search = overseerr.SearchApi(api)
    for page in (
        search.get_discover_movies(),
        search.get_discover_tv(),
        search.get_discover_trending(page=2),
    ):
        assert page.results
    with pytest.raises(ServiceException):
        overseerr.MoviesApi(api).get_movie_by_movie_id(1)


def test_people_and_their_quotas(api: overseerr.ApiClient) -> None:
    users = overseerr.UsersApi(api)
    listed = users.get_user(take=2, skip=0, sort="displayname")
    assert listed.page_info is not None and listed.page_info.pages == 2
    quota = users.get_user_quota(3)
    assert quota.movie is not None and (quota.movie.limit, quota.movie.days) == (2, 7)
    free = users.get_user_quota(1)
    assert free.movie is not None and (free.movie.limit, free.movie.used) == (None, 0)


def test_issues(api: overseerr.ApiClient, simulator: SeerrSimulator) -> None:
    requests, issues = overseerr.RequestApi(api), overseerr.IssueApi(api)
    made = requests.create_request(wanted(mediaType="movie", mediaId=film(2), is4k=False))
    assert made.media is not None and made.media.id is not None
    # Its specification promises 201; the service answers 200, which the client leaves unread.
    issues.create_issue(overseerr.CreateIssueRequest(issueType=1, message="It jumps", mediaId=made.media.id))
    listed = issues.get_issue(take=5, filter="open")
    (issue,) = listed.results or []
    assert issue.comments is not None and issue.comments[0].message == "It jumps"
    assert issues.create_issue_by_status(str(int(issue.id or 0)), "resolved").id == issue.id
    counts = issues.get_issue_count()
    assert (counts.video, counts.open, counts.closed) == (1, 0, 1)
    issues.delete_issue(str(int(issue.id or 0)))
    requests.delete_request(str(int(made.id)))


def test_the_webhooks_settings(api: overseerr.ApiClient) -> None:
    settings = overseerr.SettingsApi(api)
    before = settings.get_notifications_webhook()
    assert before.options is not None and before.options.json_payload is not None
    assert "{{notification_type}}" in before.options.json_payload
    before.enabled = True
    before.options.webhook_url = "http://portal.test/x"
    before.options.json_payload = json.dumps(before.options.json_payload)
    after = settings.create_notifications_webhook(before)
    assert after.enabled is True and after.options is not None
    assert json.loads(after.options.json_payload or "")["subject"] == "{{subject}}"
    after.enabled = False
    after.options.json_payload = json.dumps(after.options.json_payload)
    settings.create_notifications_webhook(after)


def test_refusals(simulator: SeerrSimulator) -> None:
    host = f"{simulator.base_url}/api/v1"
    with (
        overseerr.ApiClient(overseerr.Configuration(host=host)) as nobody,
        pytest.raises(UnauthorizedException),
    ):
        overseerr.RequestApi(nobody).get_request()
    wrong = overseerr.Configuration(host=host, api_key={"apiKey": "wrong"})
    with overseerr.ApiClient(wrong) as stranger, pytest.raises(ForbiddenException):
        overseerr.RequestApi(stranger).get_request()
