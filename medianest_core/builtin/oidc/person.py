"""Who the claims of a provider speak of, and what their groups allow."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from medianest_core.builtin.oidc.settings import OidcSettings
from medianest_core.sdk import N_, Identity, Secret, SignInDenied

_LONGEST = 255


def person_of(config: OidcSettings, issuer: str, claims: Mapping[str, Any], token: Secret | None) -> Identity:
    """The identity that the claims prove. Raises SignInDenied for someone whom no group lets in."""
    groups = groups_of(claims, config.groups_claim)
    check_groups(config, groups)
    email = _text(claims, "email") if claims.get("email_verified") is not False else None
    name = _text(claims, "preferred_username") or _text(claims, "name") or email or str(claims["sub"])
    return Identity(
        subject=subject_of(issuer, str(claims["sub"])),
        username=name,
        email=email,
        avatar=_text(claims, "picture"),
        token=token,
        groups=groups,
        admin=bool(set(groups) & set(config.admin_groups)) if config.admin_groups else None,
    )


def subject_of(issuer: str, sub: str) -> str:
    """Two providers may give two people the same `sub`, so the issuer is part of what a person is known by."""
    whole = f"{issuer.rstrip('/')}#{sub}"
    return whole if len(whole) <= _LONGEST else hashlib.sha256(whole.encode()).hexdigest()


def groups_of(claims: Mapping[str, Any], claim: str) -> Sequence[str]:
    """Names of the groups, in the provider's order; none where it says nothing that can be read."""
    found: Any = claims.get(claim)
    if found is None:
        found = claims
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        found = [found]
    return tuple(one for one in found if isinstance(one, str) and one) if isinstance(found, list) else ()


def check_groups(config: OidcSettings, groups: Sequence[str]) -> None:
    """Raises SignInDenied."""
    if config.allowed_groups and not set(groups) & {*config.allowed_groups, *config.admin_groups}:
        raise SignInDenied(
            N_("Your account at {name} is in none of the groups that may come in here.").format(
                name=config.name
            )
        )


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    return value.strip() or None if isinstance(value, str) else None
