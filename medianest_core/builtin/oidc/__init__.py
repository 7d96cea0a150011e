"""OpenID Connect: signing in with an account of one's own provider, such as Authentik, Authelia, Keycloak or Kanidm."""

from __future__ import annotations

from medianest_core.builtin.oidc.auth import OidcAuth
from medianest_core.sdk import N_, AuthProviders, Manifest, hookimpl

manifest = Manifest(
    "oidc",
    title=N_("OpenID Connect"),
    api="1.0",
    description=N_("Signing in with an account of your own identity provider."),
    icon="key-round",
)


@hookimpl
def register_auth_providers() -> AuthProviders:
    return [OidcAuth]
