"""Issues: something is wrong with a title that the household has."""

from __future__ import annotations

from starlette.responses import Response

from medianest_core.testing.simulators import json_reply
from medianest_overseerr.simulation import shapes
from medianest_overseerr.simulation.api import Call, Endpoint, paged
from medianest_overseerr.simulation.constants import IssueStatus, IssueType, Notice, Permission
from medianest_overseerr.simulation.errors import Refusal
from medianest_overseerr.simulation.records import Comment, IssueRow
from medianest_overseerr.simulation.world import World

P = Permission
_SEE = (P.MANAGE_ISSUES, P.VIEW_ISSUES, P.CREATE_ISSUES)
_WRITE = (P.MANAGE_ISSUES, P.CREATE_ISSUES)


class IssueRoutes:
    def __init__(self, world: World) -> None:
        self.world = world

    def endpoints(self) -> list[Endpoint]:
        query = {
            "take": "int",
            "skip": "int",
            "sort": ("added", "modified"),
            "filter": ("all", "open", "resolved"),
            "requestedBy": "int",
        }
        body = {
            "issueType": "int",
            "message": "text",
            "mediaId": "int",
            "problemSeason": "int",
            "problemEpisode": "int",
        }
        return [
            Endpoint("GET", "/issue", self.list, query=query, needs=_SEE),
            Endpoint("POST", "/issue", self.create, body=body, needs=_WRITE),
            Endpoint("GET", "/issue/count", self.count),
            Endpoint("GET", "/issue/{id}", self.one, needs=_SEE),
            Endpoint("DELETE", "/issue/{id}", self.delete, needs=_WRITE),
            Endpoint("POST", "/issue/{id}/comment", self.comment, body={"message": "text"}, needs=_WRITE),
            Endpoint(
                "POST",
                "/issue/{id}/{status}",
                self.mark,
                needs=_WRITE,
                words={"status": ("open", "resolved")},
            ),
        ]

    def list(self, call: Call) -> Response:
        wanted = {"open": (IssueStatus.OPEN,), "resolved": (IssueStatus.RESOLVED,)}.get(
            call.query.get("filter", "all"), tuple(IssueStatus)
        )
        all_of_them = call.person.may(P.MANAGE_ISSUES, P.VIEW_ISSUES)
        rows = [
            row
            for row in self.world.issues.values()
            if row.status in wanted and (all_of_them or row.author == call.person.id)
        ]
        modified = call.query.get("sort") == "modified"
        rows.sort(key=lambda row: (row.updated_at if modified else row.created_at, row.id), reverse=True)
        page = paged(rows, call.query)
        page["results"] = [shapes.issue(self.world, row, call.person) for row in page["results"]]
        return json_reply(page)

    def create(self, call: Call) -> Response:
        """Answers 200, not 201."""
        media = self.world.media.get(call.body.get("mediaId", 0))
        if media is None:
            raise Refusal(404, "Media does not exist.")
        now, world = self.world.clock(), self.world
        row = IssueRow(
            next(world.ids),
            int(call.body.get("issueType", IssueType.OTHER)),
            media,
            call.person.id,
            now,
            now,
            season=int(call.body.get("problemSeason") or 0),
            episode=int(call.body.get("problemEpisode") or 0),
        )
        row.comments.append(Comment(next(world.ids), call.person.id, str(call.body.get("message", "")), now))
        world.issues[row.id] = row
        world.ledger.record("issue.created", id=row.id, tmdb=media.tmdb, type=row.type, by=call.person.id)
        world.webhooks.emit(Notice.ISSUE_CREATED, media, issue=row)
        return json_reply(shapes.issue(world, row, call.person))

    def count(self, call: Call) -> Response:
        rows = list(self.world.issues.values())
        counts = {"total": len(rows)}
        for name, kind in zip(("video", "audio", "subtitles", "others"), IssueType, strict=True):
            counts[name] = sum(row.type == kind for row in rows)
        counts["open"] = sum(row.status == IssueStatus.OPEN for row in rows)
        counts["closed"] = len(rows) - counts["open"]
        return json_reply(counts)

    def one(self, call: Call) -> Response:
        return json_reply(shapes.issue(self.world, self._find(call), call.person))

    def delete(self, call: Call) -> Response:
        row = self.world.issues.pop(call.number("id"), None)
        if row is None:
            raise Refusal(404, "Issue not found.")
        self.world.ledger.record("issue.deleted", id=row.id, by=call.person.id)
        return Response(status_code=204)

    def comment(self, call: Call) -> Response:
        row, text = self._find(call), str(call.body.get("message", ""))
        row.comments.append(Comment(next(self.world.ids), call.person.id, text, self.world.clock()))
        row.updated_at = self.world.clock()
        self.world.ledger.record("issue.commented", id=row.id, by=call.person.id)
        self.world.webhooks.emit(Notice.ISSUE_COMMENT, row.media, issue=row, author=call.person, comment=text)
        return json_reply(shapes.issue(self.world, row, call.person))

    def mark(self, call: Call) -> Response:
        row = self._find(call)
        if not call.person.may(P.MANAGE_ISSUES) and row.author != call.person.id:
            raise Refusal(401, "You do not have permission to modify this issue.")
        resolved = call.request.path_params["status"] == "resolved"
        row.status = IssueStatus.RESOLVED if resolved else IssueStatus.OPEN
        row.modified_by, row.updated_at = call.person.id, self.world.clock()
        self.world.ledger.record(
            "issue.resolved" if resolved else "issue.reopened", id=row.id, by=call.person.id
        )
        self.world.webhooks.emit(
            Notice.ISSUE_RESOLVED if resolved else Notice.ISSUE_REOPENED, row.media, issue=row
        )
        return json_reply(shapes.issue(self.world, row, call.person))

    def _find(self, call: Call) -> IssueRow:
        row = self.world.issues.get(call.number("id"))
        if row is None:
            raise Refusal(500, "Issue not found.")
        return row
