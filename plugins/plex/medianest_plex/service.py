"""The service type "plex": how an instance is connected and tested."""

from __future__ import annotations

import asyncio
import time

from medianest_core.sdk import N_, AuthFailed, CheckResult, Http, ProviderError, ServiceType
from medianest_plex.account import Person, PlexAccounts
from medianest_plex.client import AccountNote, PlexServer
from medianest_plex.models import TYPE_NUMBERS, ServerFacts
from medianest_plex.settings import PlexSettings
from medianest_plex.transport import Device

_ACCOUNT_TTL = 900.0
_ACCOUNT_SECONDS = 5.0
"""How long the account service may take: a slow one must not make the server look away."""


async def connect(settings: PlexSettings, http: Http) -> PlexServer:
    """The client of one instance; asks nothing yet."""
    device = Device(settings.device_identifier(settings.base_url()))
    accounts = PlexAccounts(http, settings.account_base(), device)
    return PlexServer(http, settings.token, device, accounts)


async def check(settings: PlexSettings, server: PlexServer) -> CheckResult:
    """Address, token and account; the account service being away is a warning only."""
    identity = await server.identity()
    try:
        facts, sections = await asyncio.gather(server.facts(), server.sections())
    except AuthFailed:
        raise AuthFailed(
            "The Plex server answers, but refuses the token. Copy the owner's X-Plex-Token again and save it here."
        ) from None
    libraries = [section for section in sections if section.type in TYPE_NUMBERS]
    account = await _account(server)
    warnings: list[str] = []
    if identity.claimed is False:
        warnings.append(
            N_("The server is not claimed: sign it in to a Plex account, or nobody can use it with theirs.")
        )
    if account.warning:
        warnings.append(account.warning)
    if not libraries:
        warnings.append(N_("The server shows no film or TV library to this token."))
    return CheckResult(
        message=_summary(facts.friendly_name or "Plex", _short(identity.version), len(libraries)),
        version=identity.version or None,
        details=_details(facts, identity, account.person, [section.title for section in libraries]),
        warnings=tuple(warnings),
    )


async def _account(server: PlexServer) -> AccountNote:
    # Health checks come every minute; the account service need not be asked that often.
    known = server.account_note
    if known is not None and time.monotonic() - known.at < _ACCOUNT_TTL:
        return known
    try:
        async with asyncio.timeout(_ACCOUNT_SECONDS):
            server.account_note = await _look_up(server)
            return server.account_note
    except (ProviderError, TimeoutError) as error:
        reason = str(error) or N_("Plex's account service did not answer in time.")
        return AccountNote(
            0.0, None, N_("Signing in with Plex does not work now: {reason}").format(reason=reason)
        )


async def _look_up(server: PlexServer) -> AccountNote:
    accounts, now = server.accounts, time.monotonic()
    if accounts is None:
        return AccountNote(now, None)
    try:
        person = await accounts.person(server.token)
        ours = await accounts.server(server.token, await server.machine_identifier())
    except AuthFailed:
        return AccountNote(
            now,
            None,
            N_(
                "This is a token of the server alone. People can sign in with Plex, but whoever loses access is noticed "
                "only with their own token; the owner's account token works better."
            ),
        )
    if ours is None or not ours.owned:
        return AccountNote(
            now,
            person,
            N_("The account “{name}” does not own this server: collections and scans may be refused.").format(
                name=person.name
            ),
        )
    return AccountNote(now, person)


def _details(
    facts: ServerFacts, identity: ServerFacts, person: Person | None, libraries: list[str]
) -> dict[str, str]:
    shown = {
        N_("Server"): facts.friendly_name,
        N_("Version"): identity.version,
        N_("Platform"): facts.platform,
        N_("Account"): person.name if person is not None else facts.my_plex_username,
        N_("Libraries"): ", ".join(libraries),
    }
    return {name: value for name, value in shown.items() if value}


def _short(version: str) -> str:
    return ".".join(version.split(".")[:2]) or "unknown"


def _summary(name: str, version: str, libraries: int) -> str:
    if libraries == 1:
        return N_("{name}, version {version}, 1 library").format(name=name, version=version)
    return N_("{name}, version {version}, {count} libraries").format(
        name=name, version=version, count=libraries
    )


PLEX: ServiceType[PlexSettings, PlexServer] = ServiceType(
    "plex",
    PlexSettings,
    title=N_("Plex Media Server"),
    icon="clapperboard",
    description=N_("Films and shows of a Plex server, sign-in with Plex accounts, collections."),
    connect=connect,
    check=check,
)
