"""Signing in by OpenID Connect: the authorization code flow with PKCE, bound to one question by state and nonce."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from hmac import compare_digest
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from medianest_core.builtin.oidc.client import GrantRefused, Metadata, OidcClient
from medianest_core.builtin.oidc.id_token import claims_of
from medianest_core.builtin.oidc.person import check_groups, groups_of, person_of, subject_of
from medianest_core.builtin.oidc.settings import OidcSettings
from medianest_core.sdk import (
    N_,
    AuthFailed,
    AuthFlow,
    AuthProvider,
    Challenge,
    ChallengeExpired,
    CheckResult,
    Http,
    Identity,
    NotReady,
    Secret,
    ServiceType,
    SignInDenied,
    Standing,
    Unsupported,
)

ATTEMPT_SECONDS = 600.0
_EXPIRED = N_("This sign-in has expired. Start again.")


async def _connect(config: OidcSettings, http: Http) -> OidcClient:
    return OidcClient(config, http)


async def _check(config: OidcSettings, client: OidcClient) -> CheckResult:
    metadata = await client.metadata()
    await client.keys(metadata)
    return CheckResult(N_("The provider answers and shows its keys."), details={"issuer": metadata.issuer})


OIDC: ServiceType[OidcSettings, OidcClient] = ServiceType(
    "provider",
    OidcSettings,
    title=N_("OpenID Connect"),
    icon="key-round",
    description=N_("An identity provider that people here have an account at."),
    connect=_connect,
    check=_check,
)


class OidcAuth(AuthProvider[OidcSettings, OidcClient]):
    service = OIDC
    title: ClassVar[str] = "OpenID Connect"
    flows: ClassVar[Sequence[AuthFlow]] = (AuthFlow.REDIRECT,)

    def __init__(self, instance: str, config: OidcSettings, http: Http, client: OidcClient) -> None:
        super().__init__(instance, config, http, client)
        # Each provider has the name that people know it by.
        self.__dict__["title"] = config.name

    async def begin(self, flow: AuthFlow, *, return_url: str) -> Challenge:
        if flow not in self.flows:
            raise Unsupported("OpenID Connect leads to the provider's own page.")
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        metadata = await self.client.metadata()
        verifier, state, nonce = (secrets.token_urlsafe(48) for _ in range(3))
        asked = {
            "response_type": "code",
            "client_id": self.config.client_id,
            "redirect_uri": return_url,
            "scope": self._scopes(metadata),
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        kept = {
            "state": state,
            "nonce": nonce,
            "verifier": verifier,
            "redirect_uri": return_url,
            "expires_at": repr(time.time() + ATTEMPT_SECONDS),
        }
        return Challenge(kept, ATTEMPT_SECONDS, url=_with(metadata.authorization_endpoint, asked))

    async def complete(self, state: Mapping[str, str], form: Mapping[str, str]) -> Identity | None:
        if not state.get("nonce") or time.time() >= float(state["expires_at"]):
            raise ChallengeExpired(_EXPIRED)
        if not form:
            return None
        if not compare_digest(form.get("state", "").encode(), state["state"].encode()):
            raise SignInDenied("This answer belongs to another sign-in. Start again.")
        if "error" in form:
            raise SignInDenied(
                N_("{name} did not let you in, or you did not agree.").format(name=self.config.name)
            )
        metadata = await self.client.metadata()
        if form.get("iss", metadata.issuer) != metadata.issuer:
            raise SignInDenied("This answer comes from another provider. Start again.")
        if not form.get("code"):
            raise SignInDenied("The provider sent no answer. Start again.")
        try:
            tokens = await self.client.tokens(
                metadata,
                {
                    "grant_type": "authorization_code",
                    "code": form["code"],
                    "redirect_uri": state["redirect_uri"],
                    "code_verifier": state["verifier"],
                },
            )
        except GrantRefused as error:
            raise ChallengeExpired(_EXPIRED) from error
        claims = await self._claims(metadata, tokens, state["nonce"])
        return person_of(self.config, metadata.issuer, claims, _kept(tokens, {}))

    async def refresh(self, token: Secret) -> Secret:
        """Raises AuthFailed where the provider gives none any more."""
        kept = _opened(token)
        if not kept.get("refresh"):
            # Without one there is nothing to ask with; what is known stays known until the session ends.
            return token
        metadata = await self.client.metadata()
        wanted = {"grant_type": "refresh_token", "refresh_token": kept["refresh"]}
        try:
            tokens = await self.client.tokens(metadata, wanted)
        except GrantRefused as error:
            raise AuthFailed("The provider has taken the access back.") from error
        return _kept(tokens, kept) or token

    async def revalidate(self, subject: str, token: Secret | None) -> Standing:
        kept = _opened(token)
        if not kept.get("refresh") or not kept.get("access"):
            raise NotReady("The provider cannot be asked about people who are away.")
        metadata = await self.client.metadata()
        try:
            said = await self.client.userinfo(metadata, kept["access"])
        except AuthFailed:
            return Standing.REVOKED
        if said:
            if subject_of(metadata.issuer, str(said.get("sub"))) != subject:
                return Standing.REVOKED
            if groups := groups_of(said, self.config.groups_claim):
                try:
                    check_groups(self.config, groups)
                except SignInDenied:
                    return Standing.REVOKED
        return Standing.VALID

    async def revoke(self, token: Secret) -> None:
        kept = _opened(token)
        metadata = await self.client.metadata()
        for name in ("refresh", "access"):
            if kept.get(name):
                await self.client.revoke(metadata, kept[name])

    async def sign_out_url(self, token: Secret | None, *, return_url: str) -> str | None:
        if not self.config.sign_out_there:
            return None
        metadata = await self.client.metadata()
        if not metadata.end_session_endpoint:
            return None
        said = {"client_id": self.config.client_id, "post_logout_redirect_uri": return_url}
        if hint := _opened(token).get("id"):
            said["id_token_hint"] = hint
        return _with(metadata.end_session_endpoint, said)

    async def _claims(self, metadata: Metadata, tokens: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        """What the ID token says, completed by what the provider says when it is asked."""
        access = tokens.get("access_token")
        proven = claims_of(
            tokens.get("id_token"),
            await self.client.keys(metadata),
            issuer=metadata.issuer,
            client_id=self.config.client_id,
            nonce=nonce,
            access_token=access if isinstance(access, str) else None,
            now=time.time(),
        )
        if not isinstance(access, str):
            return proven
        more = await self.client.userinfo(metadata, access)
        if more and more.get("sub") != proven["sub"]:
            raise SignInDenied("The provider speaks of two people. Tell the person who runs this portal.")
        return {**more, **proven}

    def _scopes(self, metadata: Metadata) -> str:
        wanted = [*self.config.scopes.split(), "offline_access"]
        offered = metadata.scopes_supported
        if offered is None:
            # Unknown ones are to be ignored, but this one may ask people for more than they want to give.
            return " ".join(dict.fromkeys(wanted[:-1]))
        return " ".join(one for one in dict.fromkeys(wanted) if one in offered or one == "openid")


def _with(url: str, values: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *values.items()])))


def _kept(tokens: Mapping[str, Any], before: Mapping[str, str]) -> Secret | None:
    """What asking again needs; None where there is nothing. before: kept where the provider gives nothing new."""
    found = {
        name: said
        for name, key in (("refresh", "refresh_token"), ("access", "access_token"), ("id", "id_token"))
        if isinstance(said := tokens.get(key) or before.get(name), str)
    }
    return Secret(json.dumps(found)) if found else None


def _opened(token: Secret | None) -> Mapping[str, str]:
    try:
        found = json.loads(token.reveal()) if token is not None else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
