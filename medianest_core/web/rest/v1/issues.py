"""Reports of something wrong with a title of the library: one's own; admins see all and answer them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field
from starlette.requests import Request

from medianest_core.domain.requests.entries import IssuePage, IssueReport
from medianest_core.domain.requests.issues import Complaint
from medianest_core.sdk.permissions import OWNER, USER
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Cursor, Limit, Resource
from medianest_core.web.rest.v1.requests import Episode, Strict

issues = Resource("requests", "/issues")


class NewIssue(Strict):
    """kind, ids, seasons, episodes: as of a request."""

    kind: str = Field(max_length=40)
    ids: dict[str, str] = Field(max_length=10)
    title: str = Field(max_length=500)
    problem: Literal["video", "audio", "subtitles", "other"]
    message: str = Field("", max_length=2000)
    year: int | None = Field(None, ge=1000, le=9999)
    seasons: list[int] = Field(default_factory=list, max_length=500)
    episodes: list[Episode] = Field(default_factory=list, max_length=500)


class Answer(Strict):
    """answer: from admins. version: as read, for a 409."""

    answer: str = Field("", max_length=2000)
    version: int | None = None


@issues.post(policy=USER, status=201)
async def report_issue(request: Request, body: NewIssue) -> IssueReport:
    complaint = Complaint(
        kind=body.kind,
        ids=body.ids,
        title=body.title,
        problem=body.problem,
        message=body.message,
        year=body.year,
        seasons=tuple(body.seasons),
        episodes=tuple((one.season, one.number) for one in body.episodes),
    )
    return await services_of(request).requests.report(someone(request), complaint)


@issues.get(policy=USER)
async def list_issues(
    request: Request,
    everyone: bool = False,
    state: Annotated[Literal["open", "resolved"] | None, Query()] = None,
    cursor: Cursor = None,
    limit: Limit = 30,
) -> IssuePage:
    """Newest first. everyone: for admins."""
    return await services_of(request).requests.issues(
        someone(request), everyone=everyone, state=state, cursor=cursor, limit=limit
    )


@issues.get("/{issue_id}", policy=OWNER)
async def get_issue(request: Request, issue_id: str) -> IssueReport:
    return _found(await services_of(request).requests.issue(someone(request), issue_id))


@issues.post("/{issue_id}/resolve", policy=OWNER)
async def resolve_issue(request: Request, issue_id: str, body: Answer) -> IssueReport:
    """Done with. Whoever reported it may take it back; answers come from admins."""
    service = services_of(request).requests
    return _found(await service.resolve(someone(request), issue_id, body.answer, version=body.version))


@issues.post("/{issue_id}/reopen", policy=OWNER)
async def reopen_issue(request: Request, issue_id: str, body: Answer) -> IssueReport:
    service = services_of(request).requests
    return _found(
        await service.resolve(someone(request), issue_id, body.answer, version=body.version, again=True)
    )


def _found(report: IssueReport | None) -> IssueReport:
    if report is None:
        raise Problem(404, "There is no such report.", code="missing")
    return report
