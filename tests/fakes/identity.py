"""A small real OpenID Connect provider, made of authlib's server: codes bound by PKCE, signed ID tokens, refresh and revocation."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientMixin,
    OAuth2Request,
    TokenMixin,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode, UserInfo
from authlib.oidc.core.models import AuthorizationCodeMixin
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from medianest_core.base.ids import new_token
from medianest_core.testing.simulators import DemoInstance, Simulator, json_reply

CLIENT_ID, SECRET = "medianest", "a-client-secret-nobody-guesses"
PATHS = {
    "authorization_endpoint": "/authorize",
    "token_endpoint": "/token",
    "userinfo_endpoint": "/userinfo",
    "jwks_uri": "/jwks",
    "revocation_endpoint": "/revoke",
    "end_session_endpoint": "/logout",
}


class Client(ClientMixin):  # type: ignore[misc]  # authlib has no types
    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return urlsplit(redirect_uri).path.startswith("/sign-in/")

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]  # authlib has no types
    user: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(time.time())


@dataclass
class Granted(TokenMixin):  # type: ignore[misc]  # authlib has no types
    user: str
    scope: str

    def check_client(self, client: Client) -> bool:
        return True

    def get_scope(self) -> str:
        return self.scope

    def get_expires_in(self) -> int:
        return 300

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return False


class World:
    """people: claims by `sub`. forge: changed claims of ID tokens, for tests of what must be refused. issued: all ID tokens."""

    def __init__(self) -> None:
        self.people: dict[str, dict[str, Any]] = {
            name: {
                "preferred_username": name,
                "email": f"{name}@example.org",
                "email_verified": True,
                "groups": groups,
            }
            for name, groups in (("ann", ["family", "keepers"]), ("bob", ["family"]), ("zoe", ["guests"]))
        }
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.codes: dict[str, Code] = {}
        self.access: dict[str, Granted] = {}
        self.refresh: dict[str, Granted] = {}
        self.forge: dict[str, Any] = {}

    def expel(self, who: str) -> None:
        for tokens in (self.access, self.refresh):
            for token in [token for token, granted in tokens.items() if granted.user == who]:
                del tokens[token]


class _Request(OAuth2Request):  # type: ignore[misc]  # authlib has no types
    @property
    def form(self) -> Mapping[str, str]:
        return self.payload.data  # type: ignore[no-any-return]  # as above

    args = form


class _Server(AuthorizationServer):  # type: ignore[misc]  # authlib has no types
    def __init__(self, world: World) -> None:
        super().__init__(scopes_supported=["openid", "profile", "email", "groups", "offline_access"])
        self.world = world
        self.register_token_generator(
            "default", BearerTokenGenerator(lambda **_: new_token(), lambda **_: new_token(), 300)
        )

    def query_client(self, client_id: str) -> Client | None:
        return Client() if client_id == CLIENT_ID else None

    def save_token(self, token: Mapping[str, Any], request: Any) -> None:
        granted = Granted(request.user, token["scope"])
        self.world.access[token["access_token"]] = granted
        if "refresh_token" in token:
            self.world.refresh[token["refresh_token"]] = granted

    def create_oauth2_request(self, request: Any) -> Any:
        """request: (method, path, headers, parameters)."""
        if isinstance(request, _Request):
            return request
        method, path, headers, values = request
        made = _Request(method, f"https://provider.test{path}", headers={**headers})
        made.payload = BasicOAuth2Payload(values)
        return made

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        if isinstance(body, dict):
            return json_reply(body, status)
        return Response(body or "", status, headers=dict(headers))

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        return


class _ByCode(AuthorizationCodeGrant):  # type: ignore[misc]  # authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar[list[str]] = ["client_secret_basic", "client_secret_post"]

    def save_authorization_code(self, code: str, request: Any) -> None:
        said = request.payload.data
        self.server.world.codes[code] = Code(
            request.user,
            request.payload.redirect_uri,
            request.scope,
            said.get("nonce"),
            said.get("code_challenge"),
            said.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        return self.server.world.codes.get(code)  # type: ignore[no-any-return]  # as above

    def delete_authorization_code(self, authorization_code: Code) -> None:
        codes = self.server.world.codes
        for code in [code for code, kept in codes.items() if kept is authorization_code]:
            del codes[code]

    def authenticate_user(self, authorization_code: Code) -> str:
        return authorization_code.user


class _ByRefresh(RefreshTokenGrant):  # type: ignore[misc]  # authlib has no types
    INCLUDE_NEW_REFRESH_TOKEN = True
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar[list[str]] = ["client_secret_basic", "client_secret_post"]

    def authenticate_refresh_token(self, refresh_token: str) -> Granted | None:
        return self.server.world.refresh.get(refresh_token)  # type: ignore[no-any-return]  # as above

    def authenticate_user(self, refresh_token: Granted) -> str:
        return refresh_token.user

    def revoke_old_credential(self, refresh_token: Granted) -> None:
        kept = self.server.world.refresh
        for token in [token for token, granted in kept.items() if granted is refresh_token]:
            del kept[token]


class _Signed(OpenIDCode):  # type: ignore[misc]  # authlib has no types
    def __init__(self, world: World, issuer: str) -> None:
        super().__init__(require_nonce=True)
        self.world = world
        self.issuer = issuer

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        return any(code.nonce == nonce for code in self.world.codes.values())

    def resolve_client_private_key(self, client: Client) -> RSAKey:
        return self.world.key

    def get_encode_header(self, client: Client) -> dict[str, str]:
        return {"alg": "RS256", "kid": "one"}

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        return {"iss": self.issuer}

    def generate_user_info(self, user: str, scope: str) -> Any:
        return UserInfo(sub=user, **self.world.forge)


class IdentityProvider(Simulator):
    """People of its own world agree by `approve`, as they would with a click on its page."""

    name: ClassVar[str] = "identity"

    def __init__(self, *, items: int = 3, seed: int = 7, data_dir: Path) -> None:
        super().__init__(items=items, seed=seed, data_dir=data_dir)
        self.world = World()

    async def start(self, base_url: str) -> None:
        await super().start(base_url)
        self._server = _Server(self.world)
        self._server.register_grant(
            _ByCode, [CodeChallenge(required=True), _Signed(self.world, self.base_url)]
        )
        self._server.register_grant(_ByRefresh)

    def routes(self) -> ASGIApp:
        return Router(
            [
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/userinfo", self._userinfo),
                Route("/revoke", self._revoke, methods=["POST"]),
                Route("/logout", self._logout),
            ]
        )

    def demo_instances(self) -> Sequence[DemoInstance]:
        settings: dict[str, object] = {
            "url": self.base_url,
            "client_id": CLIENT_ID,
            "client_secret": SECRET,
            "name": "House",
        }
        return [DemoInstance("provider", "house", "House", settings)]

    def approve(self, url: str, who: str | None) -> dict[str, str]:
        """What the browser comes back with once `who` has agreed at `url`; None: they refused."""
        response = self._consent(url, who)
        assert response.status_code == 302, bytes(response.body)
        return dict(parse_qsl(urlsplit(response.headers["location"]).query))

    def _consent(self, url: str, who: str | None) -> Response:
        values = dict(parse_qsl(urlsplit(url).query))
        request = self._server.create_oauth2_request(("GET", "/authorize", {}, values))
        grant = self._server.get_consent_grant(request, end_user=who)
        made: Response = self._server.create_authorization_response(request, grant_user=who, grant=grant)
        return made

    async def _authorize(self, request: Request) -> Response:
        """The page that asks who it is; `who` answers it, empty to refuse."""
        who = request.query_params.get("who")
        if who is not None:
            return self._consent(str(request.url), who or None)
        ways = {name: name for name in self.world.people} | {"": "Nobody"}
        buttons = "".join(
            f'<p><a href="{escape(str(request.url.include_query_params(who=name)))}">{label}</a></p>'
            for name, label in ways.items()
        )
        return HTMLResponse(f"<title>House</title><h1>Who are you?</h1>{buttons}")

    async def _discovery(self, request: Request) -> Response:
        return json_reply(
            {
                "issuer": self.base_url,
                **{name: self.base_url + path for name, path in PATHS.items()},
                "scopes_supported": list(self._server.scopes_supported),
                "response_types_supported": ["code"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "subject_types_supported": ["public"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _jwks(self, request: Request) -> Response:
        return json_reply({"keys": [self.world.key.as_dict(private=False)]})

    async def _token(self, request: Request) -> Response:
        values = {name: str(value) for name, value in (await request.form()).items()}
        headers = {"Authorization": request.headers.get("authorization", "")}
        made: Response = self._server.create_token_response(("POST", "/token", headers, values))
        return made

    async def _userinfo(self, request: Request) -> Response:
        granted = self.world.access.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if granted is None:
            return json_reply({"error": "invalid_token"}, 401)
        return json_reply({"sub": granted.user, **self.world.people[granted.user]})

    async def _logout(self, request: Request) -> Response:
        back = request.query_params.get("post_logout_redirect_uri")
        return RedirectResponse(back) if back else HTMLResponse("<h1>You have left.</h1>")

    async def _revoke(self, request: Request) -> Response:
        token = str((await request.form()).get("token", ""))
        for tokens in (self.world.refresh, self.world.access):
            tokens.pop(token, None)
        return json_reply({})


def signed(key: RSAKey | None, claims: Mapping[str, Any], *, alg: str = "RS256", kid: str = "one") -> str:
    """An ID token with any claims. key None: not signed at all."""
    header = {"alg": alg, "kid": kid}
    if key is None:
        from base64 import urlsafe_b64encode

        import orjson

        parts = (urlsafe_b64encode(orjson.dumps(one)).rstrip(b"=").decode() for one in (header, dict(claims)))
        return ".".join(parts) + "."
    return jwt.encode(header, dict(claims), key, [alg])
