"""The service type: how an instance is tested."""

from __future__ import annotations

from medianest_core.sdk import CheckResult, Http, InvalidResponse, ServiceType
from medianest_ntfy.settings import NtfySettings


def headers(settings: NtfySettings) -> dict[str, str]:
    """What proves who we are; nothing where there is no token."""
    return {"Authorization": f"Bearer {settings.token.reveal()}"} if settings.token else {}


async def check(settings: NtfySettings, http: Http) -> CheckResult:
    """The account behind the token: a wrong one is refused here, and nothing is published to find out."""
    said = (await http.get("/v1/account", headers=headers(settings))).json()
    if not isinstance(said, dict) or not isinstance(said.get("username"), str):
        raise InvalidResponse("This does not answer as ntfy does.")
    who = "nobody in particular" if said["username"] == "*" else said["username"]
    return CheckResult(f"ntfy answers; messages are sent as {who}.")


NTFY: ServiceType[NtfySettings, Http] = ServiceType(
    "ntfy", NtfySettings, title="ntfy", icon="bell", check=check
)
