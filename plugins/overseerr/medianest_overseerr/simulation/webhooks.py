"""Sends messages as Seerr's webhook agent does: a template filled in as text, once, without a signature or a second try."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from medianest_overseerr.simulation.constants import IssueStatus, IssueType, MediaStatus, Notice
from medianest_overseerr.simulation.people import Person
from medianest_overseerr.simulation.records import IssueRow, Media, Request

if TYPE_CHECKING:
    from medianest_overseerr.simulation.world import World

TIMEOUT = 10.0
IMAGES = "https://image.tmdb.org/t/p/w600_and_h900_bestv2"
DEFAULT_TEMPLATE = json.dumps(
    {
        "notification_type": "{{notification_type}}",
        "event": "{{event}}",
        "subject": "{{subject}}",
        "message": "{{message}}",
        "image": "{{image}}",
        "{{media}}": {
            "media_type": "{{media_type}}",
            "tmdbId": "{{media_tmdbid}}",
            "tvdbId": "{{media_tvdbid}}",
            "status": "{{media_status}}",
            "status4k": "{{media_status4k}}",
        },
        "{{request}}": {
            "request_id": "{{request_id}}",
            "requestedBy_email": "{{requestedBy_email}}",
            "requestedBy_username": "{{requestedBy_username}}",
            "requestedBy_avatar": "{{requestedBy_avatar}}",
        },
        "{{issue}}": {
            "issue_id": "{{issue_id}}",
            "issue_type": "{{issue_type}}",
            "issue_status": "{{issue_status}}",
            "reportedBy_email": "{{reportedBy_email}}",
            "reportedBy_username": "{{reportedBy_username}}",
            "reportedBy_avatar": "{{reportedBy_avatar}}",
        },
        "{{comment}}": {
            "comment_message": "{{comment_message}}",
            "commentedBy_email": "{{commentedBy_email}}",
            "commentedBy_username": "{{commentedBy_username}}",
            "commentedBy_avatar": "{{commentedBy_avatar}}",
        },
        "{{extra}}": [],
    },
    indent=4,
)
_REQUEST_EVENTS = {
    Notice.MEDIA_PENDING: "New {what} Request",
    Notice.MEDIA_APPROVED: "{what} Request Approved",
    Notice.MEDIA_AUTO_APPROVED: "{what} Request Automatically Approved",
    Notice.MEDIA_AVAILABLE: "{what} Request Now Available",
    Notice.MEDIA_DECLINED: "{what} Request Declined",
    Notice.MEDIA_FAILED: "{what} Request Failed",
}
_ISSUE_EVENTS = {
    Notice.ISSUE_CREATED: "New {what} Issue Reported",
    Notice.ISSUE_COMMENT: "New Comment on {what} Issue",
    Notice.ISSUE_RESOLVED: "{what} Issue Resolved",
    Notice.ISSUE_REOPENED: "{what} Issue Reopened",
}
_BLOCKS = ("media", "request", "issue", "comment")


@dataclass
class Agent:
    """The webhook's settings. payload: the text whose JSON is the template's text, as it was posted; types: bits of Notice."""

    enabled: bool = False
    types: int = 0
    url: str = ""
    auth_header: str = ""
    payload: str = field(default_factory=lambda: json.dumps(DEFAULT_TEMPLATE))
    variables: bool = False


class Webhooks:
    """The agent, and the sending."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.agent = Agent()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._held: list[dict[str, Any]] = []

    def emit(
        self,
        notice: Notice,
        media: Media,
        *,
        request: Request | None = None,
        issue: IssueRow | None = None,
        author: Person | None = None,
        comment: str | None = None,
    ) -> None:
        """Send, if this kind is wanted; returns at once."""
        agent = self.agent
        if not (agent.enabled and agent.url and agent.types & notice):
            return
        try:
            body = fill(agent.payload, self._values(notice, media, request, issue, author, comment))
        except ValueError as error:
            self._world.ledger.record("webhook.broken", type=notice.name, reason=str(error))
            return
        bodies = [body] * max(1, self._world.options.webhook_copies)
        if self._world.options.webhook_swap:
            self._held += bodies
            if len(self._held) < 2:
                return
            bodies, self._held = self._held[::-1], []
        task = asyncio.create_task(self._send_all(agent, bodies))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def test(self, agent: Agent) -> bool:
        """The button "Test": whether it arrived."""
        values: dict[str, Any] = {
            "notification_type": Notice.TEST_NOTIFICATION.name,
            "event": "",
            "subject": "Test Notification",
            "message": "Check check, 1, 2, 3. Are we coming in clear?",
            "image": "",
            "extra": [],
            "blocks": set(),
        }
        try:
            body = fill(agent.payload, values)
        except ValueError:
            return False
        status = await self._send(agent, body)
        return status is not None and 200 <= status < 300

    async def stop(self) -> None:
        """End messages on their way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send_all(self, agent: Agent, bodies: list[dict[str, Any]]) -> None:
        for body in bodies:
            await self._send(agent, body)

    async def _send(self, agent: Agent, body: dict[str, Any]) -> int | None:
        status = await asyncio.to_thread(_post, agent.url, agent.auth_header, orjson.dumps(body))
        self._world.ledger.record(
            "webhook.sent", url=agent.url, type=body.get("notification_type"), status=status, body=body
        )
        return status

    def _values(
        self,
        notice: Notice,
        media: Media,
        request: Request | None,
        issue: IssueRow | None,
        author: Person | None,
        comment: str | None,
    ) -> dict[str, Any]:
        work = self._world.title(media)
        values: dict[str, Any] = {
            "notification_type": notice.name,
            "subject": f"{work.name} ({work.facts.year})",
            "message": work.facts.summary[:500],
            # With no poster the path is null, and the text says so.
            "image": IMAGES + (work.poster or "null"),
            "media_type": media.kind,
            "media_tmdbid": media.tmdb,
            "media_tvdbid": media.tvdb,
            "media_status": MediaStatus(media.status).name,
            "media_status4k": MediaStatus(media.status4k).name,
            "extra": [],
            "blocks": {"media"},
        }
        if request is not None:
            what = ("4K " if request.is4k else "") + ("Movie" if media.kind == "movie" else "Series")
            values["event"] = _REQUEST_EVENTS[notice].format(what=what)
            values["blocks"].add("request")
            values["request_id"] = request.id
            values |= _person("requestedBy", self._world.people.get(request.owner))
            if request.seasons:
                numbers = ", ".join(str(season.number) for season in request.seasons)
                values["extra"] = [{"name": "Requested Seasons", "value": numbers}]
        if issue is not None:
            what = IssueType(issue.type).name.capitalize()
            values["event"] = _ISSUE_EVENTS[notice].format(what=what)
            values["message"] = issue.comments[0].message if issue.comments else ""
            values["blocks"].add("issue")
            values |= {
                "issue_id": issue.id,
                "issue_type": IssueType(issue.type).name,
                "issue_status": IssueStatus(issue.status).name,
            }
            values |= _person("reportedBy", self._world.people.get(issue.author))
        if comment is not None:
            values["blocks"].add("comment")
            values["comment_message"] = comment
            values |= _person("commentedBy", author)
        return values


def fill(payload: str, values: dict[str, Any]) -> dict[str, Any]:
    """The message of a stored payload. ValueError where the payload is not JSON text of JSON text: posted without being made a string."""
    text = json.loads(payload)
    if not isinstance(text, str):
        raise ValueError("the payload was saved without being made a string")
    template = json.loads(text)
    if not isinstance(template, dict):
        raise ValueError("the payload is no object")
    filled = _fill(template, values)
    assert isinstance(filled, dict)
    return filled


def _fill(part: Any, values: dict[str, Any]) -> Any:
    if isinstance(part, str):
        return _text(part, values)
    if isinstance(part, list):
        return [_fill(entry, values) for entry in part]
    if not isinstance(part, dict):
        return part
    filled: dict[str, Any] = {}
    for key, value in part.items():
        name = key[2:-2] if key.startswith("{{") and key.endswith("}}") else ""
        if name == "extra":
            filled["extra"] = values["extra"]
        elif name in _BLOCKS:
            filled[name] = _fill(value, values) if name in values["blocks"] else None
        else:
            filled[key] = _fill(value, values)
    return filled


def _text(text: str, values: dict[str, Any]) -> str:
    """First occurrence only, and "$&" in what is filled in stands for what was replaced, as in JavaScript."""
    for mark in dict.fromkeys(re.findall(r"{{(\w+)}}", text)):
        value = values.get(mark)
        new = ("" if value is None else str(value)).replace("$&", f"{{{{{mark}}}}}").replace("$$", "$")
        text = text.replace(f"{{{{{mark}}}}}", new, 1)
    return text


def _person(prefix: str, person: Person | None) -> dict[str, Any]:
    if person is None:
        return {}
    return {
        f"{prefix}_username": person.name,
        f"{prefix}_email": person.email,
        f"{prefix}_avatar": person.avatar,
    }


def _post(url: str, authorization: str, body: bytes) -> int | None:
    if not url.startswith(("http://", "https://")):
        return None
    headers = {"Content-Type": "application/json", "User-Agent": "axios/1.7.9", "Connection": "close"}
    if authorization:
        headers["Authorization"] = authorization
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310  # scheme checked above
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
