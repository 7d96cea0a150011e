"""People, their quotas, signing in, and issues that they report."""

from __future__ import annotations

from starlette.responses import Response

from medianest_core.testing.simulators import json_reply
from medianest_overseerr.simulation import flow, shapes
from medianest_overseerr.simulation.api import Call, Endpoint, paged
from medianest_overseerr.simulation.constants import Permission
from medianest_overseerr.simulation.errors import NotAllowed, Refusal
from medianest_overseerr.simulation.people import PASSWORD, Person
from medianest_overseerr.simulation.world import World

P = Permission
_MANAGE = (P.MANAGE_USERS,)


class UserRoutes:
    def __init__(self, world: World) -> None:
        self.world = world

    def endpoints(self) -> list[Endpoint]:
        sorts = ("created", "updated", "requests", "displayname")
        return [
            Endpoint("GET", "/auth/me", self.me),
            Endpoint(
                "POST", "/auth/local", self.sign_in, body={"email": "text", "password": "text"}, open=True
            ),
            Endpoint("GET", "/user", self.list, query={"take": "int", "skip": "int", "sort": sorts}),
            Endpoint(
                "POST",
                "/user",
                self.add,
                body={"email": "text", "username": "text", "password": "text", "permissions": "int"},
                required=("email",),
                needs=_MANAGE,
            ),
            Endpoint(
                "POST", "/user/import-from-plex", self.take_over, body={"plexIds": "texts"}, needs=_MANAGE
            ),
            Endpoint("GET", "/user/{id}", self.one),
            Endpoint("GET", "/user/{id}/quota", self.quota),
            Endpoint("GET", "/user/{id}/requests", self.requests, query={"take": "int", "skip": "int"}),
        ]

    def me(self, call: Call) -> Response:
        return json_reply(shapes.user(self.world, call.person, self.world.owner))

    def sign_in(self, call: Call) -> Response:
        person = next((p for p in self.world.people.everyone if p.email == call.body.get("email")), None)
        if person is None or call.body.get("password") != PASSWORD:
            raise Refusal(403, "Access denied.")
        # The real one reads only some columns here, so that the permissions look like none.
        reply = json_reply(shapes.user(self.world, person, self.world.owner) | {"permissions": 0})
        reply.set_cookie(
            "connect.sid", self.world.sign_in(person), max_age=30 * 86400, httponly=True, samesite="lax"
        )
        return reply

    def list(self, call: Call) -> Response:
        people = list(self.world.people.everyone)
        sort = call.query.get("sort")
        if sort == "displayname":
            people.sort(key=lambda person: person.name.casefold())
        page = paged(people, call.query)
        page["results"] = [shapes.user(self.world, person, call.person) for person in page["results"]]
        return json_reply(page)

    def one(self, call: Call) -> Response:
        return json_reply(shapes.user(self.world, self._find(call), call.person))

    def add(self, call: Call) -> Response:
        email = str(call.body["email"])
        if any(person.email == email for person in self.world.people.everyone):
            return json_reply(
                {"message": "User already exists with submitted email.", "errors": ["USER_EXISTS"]}, 409
            )
        rights = call.body.get("permissions")
        person = Person(
            self.world.people.next_id(),
            str(call.body.get("username") or email),
            email,
            P.REQUEST if rights is None else int(rights),
        )
        self.world.people.everyone.append(person)
        self.world.ledger.record("user.created", id=person.id, email=email)
        return json_reply(shapes.user(self.world, person, call.person), 201)

    def take_over(self, call: Call) -> Response:
        wanted = call.body.get("plexIds")
        people = self.world.people
        taken = [p for p in people.importable if wanted is None or str(p.plex_id) in map(str, wanted)]
        for person in taken:
            people.importable.remove(person)
            person.id = people.next_id()
            people.everyone.append(person)
            self.world.ledger.record("user.imported", id=person.id, plex=person.plex_id)
        return json_reply([shapes.user(self.world, person, call.person) for person in taken], 201)

    def quota(self, call: Call) -> Response:
        person = self._find(call)
        if person is not call.person and not call.person.may(P.MANAGE_USERS, P.MANAGE_REQUESTS, both=True):
            raise Refusal(403, "You do not have permission to view this user's request limits.")
        return json_reply(flow.quota(self.world, person))

    def requests(self, call: Call) -> Response:
        person = self._find(call)
        if person is not call.person and not call.person.may(P.MANAGE_REQUESTS, P.REQUEST_VIEW):
            raise NotAllowed
        rows = [row for row in self.world.requests.values() if row.owner == person.id][::-1]
        page = paged(rows, call.query, 20)
        page["results"] = [
            shapes.request(self.world, row, call.person, call="list") for row in page["results"]
        ]
        return json_reply(page)

    def _find(self, call: Call) -> Person:
        person = self.world.people.get(call.number("id"))
        if person is None:
            raise Refusal(404, "User not found.")
        return person
