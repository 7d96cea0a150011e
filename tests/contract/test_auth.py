"""What the portal brings along to sign people in keeps the contract of AuthProviders, with a real OpenID Connect provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from medianest_core.builtin.oidc.auth import OidcAuth
from medianest_core.sdk import Challenge
from medianest_core.testing.contracts import AuthContract
from tests.fakes.identity import IdentityProvider


class TestOidc(AuthContract):
    provider = OidcAuth
    simulator = IdentityProvider
    settings: ClassVar[Mapping[str, Any]] = {"allowed_groups": ["family"], "sign_out_there": True}
    person = "ann"
    other = "bob"
    stranger = "zoe"
    unknown: ClassVar[Mapping[str, str]] = {}

    async def approve(self, challenge: Challenge, who: str) -> Mapping[str, str]:
        assert isinstance(self.stand_in, IdentityProvider) and challenge.url is not None
        return self.stand_in.approve(challenge.url, who)

    async def expel(self, who: str) -> None:
        assert isinstance(self.stand_in, IdentityProvider)
        self.stand_in.world.expel(who)
