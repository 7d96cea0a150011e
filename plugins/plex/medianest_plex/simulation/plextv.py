"""The routes of plex.tv: PINs, the account, its servers, and who a server is shared with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from medianest_plex.simulation.accounts import Person
from medianest_plex.simulation.pins import Pin
from medianest_plex.simulation.reply import container, parameter, tv_document, tv_error
from medianest_plex.simulation.world import SERVER_NAME, VERSION, World

Handler = Callable[[Request], Awaitable[Response]]
SignedIn = Callable[[Request, Person], Awaitable[Response]]
PASSWORD = "password"  # everybody's, in a simulator
CREATED = "2021-03-04T05:06:07Z"


class PlexTv:
    """The account service."""

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[BaseRoute]:
        """All routes; those below /api/v2 refuse a request without client identifier."""
        v2 = self._v2
        return [
            Route("/api/v2/pins", v2(self.create_pin), methods=["POST"]),
            Route("/api/v2/pins/link", v2(self._signed_in(self.link)), methods=["PUT"]),
            Route("/api/v2/pins/{id:int}", v2(self.read_pin)),
            Route("/api/v2/ping", v2(self._signed_in(self.ping))),
            Route("/api/v2/user", v2(self._signed_in(self.user))),
            Route("/api/v2/user/webhooks", v2(self._signed_in(self.webhooks)), methods=["GET", "POST"]),
            Route("/api/v2/users/signin", v2(self.sign_in), methods=["POST"]),
            Route("/api/v2/users/signout", v2(self._signed_in(self.sign_out)), methods=["DELETE"]),
            Route("/api/v2/resources", v2(self._signed_in(self.resources))),
            Route("/api/users", self._signed_in(self.users)),
            Route("/api/users/", self._signed_in(self.users)),
            Route("/api/servers/{machine}/shared_servers", self._signed_in(self.shared_servers)),
            Route("/api/v2/{rest:path}", v2(self.unknown), methods=["GET", "POST", "PUT", "DELETE"]),
        ]

    def _v2(self, handler: Handler) -> Handler:
        async def checked(request: Request) -> Response:
            if not parameter(request, "X-Plex-Client-Identifier"):
                return tv_error(request, 400, 1000, "X-Plex-Client-Identifier is missing")
            return await handler(request)

        return checked

    def _signed_in(self, handler: SignedIn) -> Handler:
        async def checked(request: Request) -> Response:
            person = self.world.accounts.by_account_token(parameter(request, "X-Plex-Token"))
            return tv_error(request, 401) if person is None else await handler(request, person)

        return checked

    async def unknown(self, request: Request) -> Response:
        return tv_error(request, 404)

    async def create_pin(self, request: Request) -> Response:
        form = await request.form()
        asked = request.query_params.get("strong") or form.get("strong") or ""
        client = parameter(request, "X-Plex-Client-Identifier") or ""
        product = parameter(request, "X-Plex-Product") or "Unknown"
        pin = self.world.pins.create(client, product, strong=str(asked).lower() in ("true", "1"))
        self.world.ledger.record(
            "pin.created", id=pin.id, code=pin.code, strong=pin.strong, client=client, product=product
        )
        return tv_document(request, "pin", self._shown(request, pin), 201)

    async def read_pin(self, request: Request) -> Response:
        pin = self.world.pins.get(
            request.path_params["id"], parameter(request, "X-Plex-Client-Identifier") or ""
        )
        if pin is None or (pin.expired and not self.world.options.expired_pin_as_null):
            return tv_error(request, 404, 1020, "Code not found or expired")
        return tv_document(request, "pin", self._shown(request, pin))

    def _shown(self, request: Request, pin: Pin) -> dict[str, object]:
        document = pin.document(self.world.base_url)
        if pin.expired:
            document["authToken"] = None
        return document

    async def link(self, request: Request, person: Person) -> Response:
        form = await request.form()
        pin = self.world.pins.by_code(str(form.get("code") or request.query_params.get("code") or ""))
        if pin is None:
            return tv_error(request, 404, 1020, "Code not found or expired")
        self.world.pins.approve(pin, person)
        self.world.ledger.record("pin.approved", id=pin.id, user=person.username, by="link")
        return Response(status_code=204)

    async def ping(self, request: Request, person: Person) -> Response:
        reply = tv_document(request, "pong", {"pong": True})
        if reply.headers["content-type"].startswith("application/json"):
            return reply
        return Response("<?xml version='1.0'?><pong>true</pong>", media_type="application/xml; charset=utf-8")

    async def user(self, request: Request, person: Person) -> Response:
        token = parameter(request, "X-Plex-Token") or ""
        return tv_document(request, "user", self._account(person, token))

    async def sign_in(self, request: Request) -> Response:
        form = await request.form()
        login = str(form.get("login") or "")
        for person in self.world.accounts.people:
            if (
                person.role != "managed"
                and login in (person.username, person.email)
                and form.get("password") == PASSWORD
            ):
                token = self.world.accounts.account_token(
                    person, parameter(request, "X-Plex-Client-Identifier") or ""
                )
                return tv_document(request, "user", self._account(person, token), 201)
        return tv_error(request, 401)

    async def sign_out(self, request: Request, person: Person) -> Response:
        self.world.accounts.sign_out(person, parameter(request, "X-Plex-Token") or "")
        self.world.ledger.record("account.signed_out", user=person.username)
        return Response(status_code=204)

    def _account(self, person: Person, token: str) -> dict[str, object]:
        owner, managed = person.role == "owner", person.role == "managed"
        return {
            "id": person.id,
            "uuid": person.uuid,
            "username": "" if managed else person.username,
            "title": person.title,
            "email": person.email,
            "friendlyName": person.title,
            "locale": None,
            "confirmed": True,
            "joinedAt": 1500000000 + person.id,
            "emailOnlyAuth": False,
            "hasPassword": not managed,
            "protected": False,
            "thumb": f"{self.world.base_url}/users/{person.uuid}/avatar?c=1731600000",
            "authToken": token,
            "country": "DE",
            "scrobbleTypes": "",
            "restricted": managed,
            "home": owner or managed,
            "guest": False,
            "homeSize": 2 if owner or managed else 1,
            "homeAdmin": owner,
            "maxHomeSize": 15,
            "rememberExpiresAt": 1900000000,
            "twoFactorEnabled": False,
            "subscriptionDescription": "Lifetime Plex Pass" if owner else None,
            "subscription": {
                "active": owner,
                "status": "Active" if owner else "Inactive",
                "plan": "lifetime" if owner else None,
                "paymentService": None,
                "subscribedAt": "2020-01-02 03:04:05 UTC" if owner else None,
                "features": ["webhooks", "hardware_transcoding", "collections", "lyrics"] if owner else [],
            },
            "profile": {
                "autoSelectAudio": True,
                "defaultAudioLanguage": "en",
                "defaultSubtitleLanguage": "en",
                "autoSelectSubtitle": 1,
                "defaultSubtitleAccessibility": 0,
                "defaultSubtitleForced": 0,
            },
            "entitlements": ["ios", "android"],
            "roles": ["plexpass"] if owner else [],
            "services": [],
        }

    async def resources(self, request: Request, person: Person) -> Response:
        rows: list[dict[str, object]] = []
        if self.world.accounts.has_access(person):
            rows.append(self._our_server(person))
        if person.role == "stranger":
            rows.append(self._other_server(person))
        rows.append(self._player(person))
        return tv_document(request, "resources", rows)

    def _our_server(self, person: Person) -> dict[str, object]:
        accounts = self.world.accounts
        owned = person.role == "owner"
        host = urlsplit(self.world.base_url)
        address, port = host.hostname or "127.0.0.1", host.port or 80
        relay = _connection("https", "127.0.0.1", 9, "https://127.0.0.1:9", local=False) | {"relay": True}
        return _resource(SERVER_NAME, accounts.machine) | {
            "ownerId": None if owned else accounts.owner.id,
            "sourceTitle": None if owned else accounts.owner.username,
            "accessToken": accounts.server_token(person),
            "owned": owned,
            "home": person.role in ("owner", "managed"),
            "connections": [
                _connection("http", address, port, self.world.base_url, local=True),
                _connection("http", "127.0.0.1", 9, "http://127.0.0.1:9", local=True),
                _connection("http", address, port, self.world.base_url, local=False),
                relay,
            ],
        }

    def _other_server(self, person: Person) -> dict[str, object]:
        accounts = self.world.accounts
        return _resource("Somebody else's", accounts.other_machine) | {
            "ownerId": None,
            "sourceTitle": None,
            "accessToken": "A-server-we-never-met",
            "owned": True,
            "home": True,
            "connections": [_connection("http", "127.0.0.1", 9, "http://127.0.0.1:9", local=True)],
        }

    def _player(self, person: Person) -> dict[str, object]:
        return _resource("Living Room TV", f"tv-{person.uuid}") | {
            "product": "Plex for LG",
            "provides": "client,player,pubsub-player",
            "ownerId": None,
            "sourceTitle": None,
            "accessToken": None,
            "owned": True,
            "home": False,
            "connections": [],
        }

    async def users(self, request: Request, person: Person) -> Response:
        """Legacy and XML only, even when JSON is asked for."""
        accounts = self.world.accounts
        rows: list[dict[str, object]] = []
        if person.role == "owner":
            rows = [self._friend(p) for p in accounts.people if p is not person and accounts.has_access(p)]
        head = {
            "friendlyName": "myPlex",
            "identifier": "com.plexapp.plugins.myplex",
            "machineIdentifier": accounts.machine,
            "totalSize": len(rows),
        }
        return container(_xml_only(request), head, User=rows)

    def _friend(self, person: Person) -> dict[str, object]:
        managed = person.role == "managed"
        return {
            "id": person.id,
            "title": person.title,
            "username": "" if managed else person.username,
            "email": person.email,
            "recommendationsPlaylistId": "",
            "thumb": f"{self.world.base_url}/users/{person.uuid}/avatar?c=1731600000",
            "protected": False,
            "home": managed,
            "restricted": managed,
            "allowTuners": False,
            "allowSync": True,
            "allowCameraUpload": False,
            "allowChannels": False,
            "allowSubtitleAdmin": False,
            "filterAll": "",
            "filterMovies": "",
            "filterMusic": "",
            "filterPhotos": "",
            "filterTelevision": "",
            "Server": [self._share(person)],
        }

    def _share(self, person: Person) -> dict[str, object]:
        sections = self.world.library.sections
        return {
            "id": person.id + 7_000_000,
            "serverId": 42_000_001,
            "machineIdentifier": self.world.accounts.machine,
            "name": SERVER_NAME,
            "lastSeenAt": 1731600000,
            "numLibraries": sum(1 for key in sections if person.may_see(key)),
            "allLibraries": person.sections is None,
            "owned": True,
            "pending": False,
        }

    async def shared_servers(self, request: Request, person: Person) -> Response:
        accounts = self.world.accounts
        if person.role != "owner" or request.path_params["machine"] != accounts.machine:
            return tv_error(request, 404)
        rows = [
            {
                "id": other.id + 7_000_000,
                "username": other.username,
                "email": other.email,
                "userID": other.id,
                "accessToken": accounts.server_token(other),
                "name": SERVER_NAME,
                "acceptedAt": 1700000000,
                "invitedAt": 1699990000,
                "allowSync": True,
                "owned": False,
                "allLibraries": other.sections is None,
                "Section": [
                    {
                        "id": 90_000 + s.key,
                        "key": s.key,
                        "title": s.title,
                        "type": s.type,
                        "shared": other.may_see(s.key),
                    }
                    for s in self.world.library.sections.values()
                ],
            }
            for other in accounts.people
            if other is not person and accounts.has_access(other)
        ]
        head = {"friendlyName": "myPlex", "machineIdentifier": accounts.machine}
        return container(_xml_only(request), head, SharedServer=rows)

    async def webhooks(self, request: Request, person: Person) -> Response:
        if person.role != "owner":
            return tv_error(request, 401, 1001, "A Plex Pass is needed")
        hooks = self.world.webhooks
        if request.method == "POST":
            form = await request.form()
            hooks.urls[:] = [str(url) for url in form.getlist("urls[]") if url]
            self.world.ledger.record("webhooks.set", urls=list(hooks.urls))
        return tv_document(
            request,
            "webhooks",
            [{"url": url} for url in hooks.urls],
            201 if request.method == "POST" else 200,
        )


def _xml_only(request: Request) -> Request:
    headers = [pair for pair in request.scope["headers"] if pair[0] != b"accept"]
    return Request({**request.scope, "headers": headers})


def _resource(name: str, machine: str) -> dict[str, object]:
    return {
        "name": name,
        "product": "Plex Media Server",
        "productVersion": VERSION,
        "platform": "Linux",
        "platformVersion": "12 (bookworm)",
        "device": "PC",
        "clientIdentifier": machine,
        "createdAt": CREATED,
        "lastSeenAt": "2026-11-01T10:00:00Z",
        "provides": "server",
        "publicAddress": "203.0.113.7",
        "synced": False,
        "relay": True,
        "presence": True,
        "httpsRequired": False,
        "publicAddressMatches": True,
        "dnsRebindingProtection": False,
        "natLoopbackSupported": False,
    }


def _connection(protocol: str, address: str, port: int, uri: str, *, local: bool) -> dict[str, object]:
    return {
        "protocol": protocol,
        "address": address,
        "port": port,
        "uri": uri,
        "local": local,
        "relay": False,
        "IPv6": ":" in address,
    }
