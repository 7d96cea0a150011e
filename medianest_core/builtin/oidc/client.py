"""The provider's side of OpenID Connect: what it offers, its keys, its tokens and what it says of a person.

What it offers and its keys are asked for each time: signing in is rare, and a provider that has changed its keys is believed at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from medianest_core.builtin.oidc.settings import OidcSettings
from medianest_core.sdk import N_, AuthFailed, Http, InvalidResponse, ProviderError, Response

_DISCOVERY = "/.well-known/openid-configuration"


class Metadata(BaseModel):
    """What a provider says of itself; the rest is passed over."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    revocation_endpoint: str | None = None
    end_session_endpoint: str | None = None
    scopes_supported: list[str] | None = None
    token_endpoint_auth_methods_supported: list[str] | None = None


class GrantRefused(ProviderError):
    """The code or refresh token is no good any more."""


class OidcClient:
    def __init__(self, config: OidcSettings, http: Http) -> None:
        self._config = config
        self._http = http

    async def metadata(self) -> Metadata:
        """Raises InvalidResponse where the answer is none, or another provider's."""
        said = (await self._http.get(_DISCOVERY)).json()
        try:
            found = Metadata.model_validate(said)
        except ValidationError as error:
            raise InvalidResponse("This does not answer like an OpenID Connect provider.") from error
        if found.issuer.rstrip("/") != self._config.base_url():
            raise InvalidResponse(
                N_("The provider calls itself {issuer}. Enter exactly that as its address.").format(
                    issuer=found.issuer[:200]
                )
            )
        return found

    async def keys(self, metadata: Metadata) -> Mapping[str, Any]:
        """The provider's public keys, as a JWK set."""
        said = (await self._http.get(metadata.jwks_uri)).json()
        if not isinstance(said, dict) or not isinstance(said.get("keys"), list):
            raise InvalidResponse("The provider's keys cannot be read.")
        return said

    async def tokens(self, metadata: Metadata, values: Mapping[str, str]) -> Mapping[str, Any]:
        """Tokens for a code or a refresh token. Raises GrantRefused, AuthFailed where it refuses the portal itself."""
        answer = await self._post(metadata, metadata.token_endpoint, values)
        said = answer.json() if answer.status < 500 else {}
        error = said.get("error") if isinstance(said, dict) else None
        if error in ("invalid_grant", "access_denied"):
            raise GrantRefused("The provider does not accept this any more. Start again.")
        if error in ("invalid_client", "unauthorized_client"):
            raise AuthFailed("The provider refuses the client id or the client secret.")
        answer.raise_for_status()
        if not isinstance(said, dict):
            raise InvalidResponse("The provider's tokens cannot be read.")
        return said

    async def userinfo(self, metadata: Metadata, access_token: str) -> Mapping[str, Any]:
        """What the provider says of the person; nothing where it has no such address. Raises AuthFailed."""
        if not metadata.userinfo_endpoint:
            return {}
        headers = {"Authorization": f"Bearer {access_token}"}
        said = (await self._http.get(metadata.userinfo_endpoint, headers=headers)).json()
        return said if isinstance(said, dict) else {}

    async def revoke(self, metadata: Metadata, token: str) -> None:
        """Have a token forgotten; one that is unknown counts as forgotten."""
        if metadata.revocation_endpoint:
            (await self._post(metadata, metadata.revocation_endpoint, {"token": token})).raise_for_status()

    async def _post(self, metadata: Metadata, url: str, values: Mapping[str, str]) -> Response:
        secret = self._config.client_secret.reveal() if self._config.client_secret else ""
        data = {**values, "client_id": self._config.client_id}
        headers = {"Accept": "application/json"}
        ways = metadata.token_endpoint_auth_methods_supported or ["client_secret_basic"]
        if secret and "client_secret_basic" in ways:
            headers["Authorization"] = _basic(self._config.client_id, secret)
        elif secret:
            data["client_secret"] = secret
        return await self._http.request("POST", url, data=data, headers=headers)


def _basic(client_id: str, secret: str) -> str:
    from base64 import b64encode
    from urllib.parse import quote_plus

    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + b64encode(pair.encode()).decode()
