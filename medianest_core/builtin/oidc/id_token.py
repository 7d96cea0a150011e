"""Is this ID token the provider's answer to our question? One function that says whose it is, or refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medianest_core.sdk import N_, SignInDenied

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that only the provider can make; "none" and those by a shared secret are not among them."""
LEEWAY = 60
"""Seconds that the provider's clock may differ from ours."""
_REFUSED = N_(
    "The provider's answer could not be trusted. Start again; if it goes on, tell the person who runs this portal."
)


def claims_of(
    token: object,
    keys: Mapping[str, Any],
    *,
    issuer: str,
    client_id: str,
    nonce: str | None,
    access_token: str | None,
    now: float,
) -> Mapping[str, Any]:
    """What the token says. keys: the provider's JWK set. nonce: of our question; None for a refreshed token. now: epoch seconds.

    Raises SignInDenied for a token that is not signed by the provider, for us, in answer to this question, and in force.
    """
    # Loaded with the first sign-in, not by every start.
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    if not isinstance(token, str):
        raise SignInDenied(_REFUSED)
    try:
        # A key that we cannot read may stand beside one that we can.
        ours = [key for key in keys["keys"] if isinstance(key, dict) and key.get("use", "sig") == "sig"]
        found = jwt.decode(token, KeySet.import_key_set({"keys": ours}), algorithms=list(ALGORITHMS))
        claims = CodeIDToken(
            found.claims,
            found.header,
            options={
                "iss": {"essential": True, "value": issuer},
                "sub": {"essential": True},
                "aud": {"essential": True, "value": client_id},
                "exp": {"essential": True},
            },
            params={"nonce": nonce, "client_id": client_id, "access_token": access_token},
        )
        claims.validate(now=int(now), leeway=LEEWAY)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise SignInDenied(_REFUSED) from error
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise SignInDenied(_REFUSED)
    return dict(claims)
