"""Requests: making, listing, approving, declining and withdrawing them."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from medianest_core.testing.simulators import json_reply
from medianest_overseerr.simulation import flow, shapes
from medianest_overseerr.simulation.api import Call, Endpoint, paged
from medianest_overseerr.simulation.constants import MediaStatus, Permission, RequestStatus
from medianest_overseerr.simulation.errors import Refusal
from medianest_overseerr.simulation.records import Request
from medianest_overseerr.simulation.world import World

P = Permission
S, M = RequestStatus, MediaStatus
_OPEN_MEDIA = (M.UNKNOWN, M.PENDING, M.PROCESSING, M.PARTIALLY_AVAILABLE)
_FILTERS = ("all", "approved", "available", "pending", "processing", "unavailable", "failed")
_BODY = {
    "mediaType": ("movie", "tv"),
    "mediaId": "int",
    "tvdbId": "int",
    "seasons": "seasons",
    "is4k": "bool",
    "serverId": "int",
    "profileId": "int",
    "rootFolder": "text",
    "languageProfileId": "int",
    "tags": "ints",
    "userId": "int",
}


class Requests:
    def __init__(self, world: World) -> None:
        self.world = world

    def endpoints(self) -> list[Endpoint]:
        seerr = self.world.options.seerr
        query = {
            "take": "int",
            "skip": "int",
            "filter": (*_FILTERS, *(("deleted", "completed") if seerr else ())),
            "sort": ("added", "modified"),
            "requestedBy": "int",
        }
        if seerr:
            query |= {"sortDirection": ("asc", "desc"), "mediaType": ("movie", "tv", "all")}
        manage = (P.MANAGE_REQUESTS,)
        return [
            Endpoint("GET", "/request", self.list, query=query),
            Endpoint("POST", "/request", self.create, body=_BODY, required=("mediaType", "mediaId")),
            Endpoint("GET", "/request/count", self.count),
            Endpoint("GET", "/request/{id}", self.one),
            Endpoint("PUT", "/request/{id}", self.change, body=_BODY, required=("mediaType",)),
            Endpoint("DELETE", "/request/{id}", self.delete),
            Endpoint("POST", "/request/{id}/retry", self.retry, needs=manage),
            Endpoint(
                "POST",
                "/request/{id}/{status}",
                self.decide,
                needs=manage,
                words={"status": ("approve", "decline")},
            ),
        ]

    def list(self, call: Call) -> Response:
        wanted, viewer = call.query.get("requestedBy"), call.person
        if not viewer.may(P.MANAGE_REQUESTS, P.REQUEST_VIEW):
            if wanted not in (None, viewer.id):
                raise Refusal(403, "You do not have permission to view this user's requests.")
            wanted = viewer.id
        rows = [
            row
            for row in self.world.requests.values()
            if self._shown(row, call.query.get("filter", "all"))
            and (wanted is None or row.owner == wanted)
            and call.query.get("mediaType", "all") in ("all", row.media.kind)
        ]
        modified = call.query.get("sort") == "modified"
        rows.sort(key=lambda row: (row.updated_at if modified else row.created_at, row.id))
        if call.query.get("sortDirection") != "asc":
            rows.reverse()
        page = paged(rows, call.query)
        page["results"] = [shapes.request(self.world, row, viewer, call="list") for row in page["results"]]
        return json_reply(page)

    def create(self, call: Call) -> Response:
        request = flow.create(self.world, call.body, call.person)
        return json_reply(shapes.request(self.world, request, call.person, call="create"), 201)

    def count(self, call: Call) -> Response:
        rows = list(self.world.requests.values())
        there = [row for row in rows if row.media.state(bool(row.is4k)) == M.AVAILABLE]
        counts = {
            "total": len(rows),
            "movie": sum(row.media.kind == "movie" for row in rows),
            "tv": sum(row.media.kind == "tv" for row in rows),
            "pending": sum(row.status == S.PENDING for row in rows),
            "approved": sum(row.status == S.APPROVED for row in rows),
            "declined": sum(row.status == S.DECLINED for row in rows),
            "processing": sum(row.status == S.APPROVED and row not in there for row in rows),
            "available": sum(row.status == S.APPROVED for row in there),
        }
        if self.world.options.seerr:
            counts["completed"] = sum(row.status == S.COMPLETED for row in rows)
        return json_reply(counts)

    def one(self, call: Call) -> Response:
        row = self._find(call)
        if row.owner != call.person.id and not call.person.may(P.MANAGE_REQUESTS, P.REQUEST_VIEW):
            raise Refusal(403, "You do not have permission to view this request.")
        return json_reply(shapes.request(self.world, row, call.person))

    def change(self, call: Call) -> Response:
        row = self._find(call)
        if row.owner != call.person.id and not call.person.may(P.MANAGE_REQUESTS):
            raise Refusal(403, "You do not have permission to modify this request.")
        row.server, row.profile = call.body.get("serverId"), call.body.get("profileId")
        row.folder, row.tags = call.body.get("rootFolder"), call.body.get("tags")
        row.updated_at = self.world.clock()
        self.world.ledger.record("request.changed", id=row.id, by=call.person.id)
        return json_reply(shapes.request(self.world, row, call.person))

    def delete(self, call: Call) -> Response:
        row = self._find(call)
        # Another's request that is still pending passes, as in the real one.
        if not call.person.may(P.MANAGE_REQUESTS) and row.owner != call.person.id and row.status != S.PENDING:
            raise Refusal(401, "You do not have permission to delete this request.")
        flow.delete(self.world, row, call.person)
        return Response(status_code=204)

    def decide(self, call: Call) -> Response:
        row = self._find(call)
        act = flow.approve if call.request.path_params["status"] == "approve" else flow.decline
        act(self.world, row, call.person)
        return json_reply(shapes.request(self.world, row, call.person))

    def retry(self, call: Call) -> Response:
        row = self._find(call)
        flow.approve(self.world, row, call.person)
        return json_reply(shapes.request(self.world, row, call.person))

    def _find(self, call: Call) -> Request:
        row = self.world.requests.get(call.number("id"))
        if row is None:
            raise Refusal(404, "Request not found.")
        return row

    def _shown(self, row: Request, wanted: str) -> bool:
        state = row.media.state(bool(row.is4k))
        done = S.COMPLETED if self.world.options.seerr else S.APPROVED
        table: dict[str, tuple[Sequence[int], Sequence[int]]] = {
            "all": (tuple(S), tuple(M)),
            "approved": ((S.APPROVED,), tuple(M)),
            "pending": ((S.PENDING,), tuple(M)),
            "processing": ((S.APPROVED,), _OPEN_MEDIA),
            "unavailable": ((S.PENDING, S.APPROVED), _OPEN_MEDIA),
            "failed": ((S.FAILED,), tuple(M)),
            "available": ((done,), (M.AVAILABLE,)),
            "completed": ((S.COMPLETED,), tuple(M)),
            "deleted": ((S.COMPLETED,), (M.DELETED,)),
        }
        statuses, states = table[wanted]
        return row.status in statuses and state in states and state != M.BLOCKLISTED
