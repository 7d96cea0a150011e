"""Local accounts, as an entry of the plugins page.

People with a password here must be able to sign in before anything is configured, so the form belongs to the core
(`medianest_core.domain.accounts.signin`) and this plugin brings no provider: it holds the name, so that no other plugin can
vouch for local people.
"""

from medianest_core.sdk import N_, Manifest

manifest = Manifest(
    "local",
    title=N_("Local accounts"),
    api="1.0",
    description=N_("Signing in with a user name and password kept by this portal."),
    icon="key-round",
)
