"""The rules for requests: who may ask for what, titles that nobody may, and the profiles that say where requests go."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field
from starlette.requests import Request

from medianest_core.domain.requests.entries import Block, Policy, Profile, Taker
from medianest_core.sdk.permissions import ADMIN, USER
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Resource
from medianest_core.web.rest.v1.requests import Strict

request_rules = Resource("requests", "/request-rules")


class PolicyBody(Strict):
    """subject: "role" or "user". kind: a media type or "*". variant: empty, "4k" or "*". quota: how much of `meter` within the window;
    null, no limit. watchlist: whether people's lists at services may ask for it. version: as read, of one that is changed."""

    subject: str = Field(max_length=10)
    subject_id: str = Field(max_length=36)
    kind: str = Field("*", max_length=40)
    variant: str = Field("", max_length=20)
    allowed: bool = True
    auto_approve: bool = False
    watchlist: bool = True
    meter: str = Field("requests", max_length=60)
    quota: float | None = Field(None, ge=0, le=1e15)
    window_days: int = Field(7, ge=1, le=3660)
    version: int = 0


class ProfileBody(Strict):
    """kinds: media types it is for; none, all. instance_id: null, any backend. options: of the backend. preferred: taken where nobody
    chooses. version: as read, of one that is changed."""

    name: str = Field(min_length=1, max_length=100)
    kinds: list[str] = Field(default_factory=list, max_length=50)
    variant: str = Field("", max_length=20)
    instance_id: str | None = Field(None, max_length=36)
    options: dict[str, str] = Field(default_factory=dict, max_length=20)
    position: int = Field(0, ge=0, le=10_000)
    preferred: bool = False
    admins_only: bool = False
    version: int = 0


class BlockBody(Strict):
    """reason: shown to who asks for it."""

    kind: str = Field(max_length=40)
    ids: dict[str, str] = Field(min_length=1, max_length=10)
    title: str = Field(min_length=1, max_length=500)
    year: int | None = Field(None, ge=1000, le=9999)
    reason: str = Field("", max_length=500)


@request_rules.get("/takers", policy=ADMIN)
async def list_takers(request: Request) -> Sequence[Taker]:
    """Where requests go by themselves: a row for each kind and quality."""
    return await services_of(request).requests.takers()


@request_rules.get("/policies", policy=ADMIN)
async def list_policies(request: Request) -> Sequence[Policy]:
    """Written rules, then the built-in ones (without an id)."""
    return await services_of(request).requests.list_policies()


@request_rules.route("POST", "/policies", policy=ADMIN, status=201)
async def add_policy(request: Request, body: PolicyBody) -> Policy:
    policy = Policy("", **body.model_dump())
    return await services_of(request).requests.put_policy(policy, someone(request).id)


@request_rules.put("/policies/{policy_id}", policy=ADMIN)
async def change_policy(request: Request, policy_id: str, body: PolicyBody) -> Policy:
    policy = Policy(policy_id, **body.model_dump())
    return await services_of(request).requests.put_policy(policy, someone(request).id)


@request_rules.delete("/policies/{policy_id}", policy=ADMIN)
async def remove_policy(request: Request, policy_id: str) -> None:
    await services_of(request).requests.remove_policy(policy_id, someone(request).id)


@request_rules.get("/profiles", policy=USER)
async def list_profiles(request: Request) -> Sequence[Profile]:
    """Those you may choose, in their order."""
    return await services_of(request).requests.list_profiles(someone(request))


@request_rules.route("POST", "/profiles", policy=ADMIN, status=201)
async def add_profile(request: Request, body: ProfileBody) -> Profile:
    profile = Profile("", **body.model_dump())
    return await services_of(request).requests.put_profile(profile, someone(request).id)


@request_rules.put("/profiles/{profile_id}", policy=ADMIN)
async def change_profile(request: Request, profile_id: str, body: ProfileBody) -> Profile:
    profile = Profile(profile_id, **body.model_dump())
    return await services_of(request).requests.put_profile(profile, someone(request).id)


@request_rules.delete("/profiles/{profile_id}", policy=ADMIN)
async def remove_profile(request: Request, profile_id: str) -> None:
    """Requests that were made with it keep what it chose."""
    await services_of(request).requests.remove_profile(profile_id, someone(request).id)


@request_rules.get("/blocklist", policy=ADMIN)
async def list_blocked(request: Request) -> Sequence[Block]:
    """Newest first."""
    return await services_of(request).requests.list_blocked()


@request_rules.route("POST", "/blocklist", policy=ADMIN, status=201)
async def block(request: Request, body: BlockBody) -> Block:
    """A title that is blocked already gets the new reason."""
    return await services_of(request).requests.block(
        body.kind, body.ids, body.title, body.year, body.reason, someone(request).id
    )


@request_rules.delete("/blocklist/{block_id}", policy=ADMIN)
async def unblock(request: Request, block_id: str) -> None:
    await services_of(request).requests.unblock(block_id, someone(request).id)
