"""What can be chosen before somebody asks: how much they may ask for, what backends offer, and where a request goes by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import select

from medianest_core.base.logging import get_logger
from medianest_core.domain.requests.backends import Backends
from medianest_core.domain.requests.entries import Allowance, Taker
from medianest_core.domain.requests.kinds import PARTS, MediaTypes
from medianest_core.domain.requests.policies import Policies, governing
from medianest_core.domain.requests.profiles import Profiles, preferred
from medianest_core.domain.requests.quotas import Quotas
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.requests import RequestCapability, RequestItem, RequestOption
from medianest_core.sdk.routes import Viewer
from medianest_core.store.engine import Database
from medianest_core.store.tables.accounts import users

_log = get_logger(__name__)
_VARIANTS = ("", "4k")


class Choices:
    def __init__(
        self,
        db: Database,
        backends: Backends,
        types: MediaTypes,
        policies: Policies,
        profiles: Profiles,
        quotas: Quotas,
    ) -> None:
        self._db = db
        self._backends = backends
        self._types = types
        self._policies = policies
        self._profiles = profiles
        self._quotas = quotas

    async def options(
        self, kind: str, variant: str = "", instance_id: str | None = None
    ) -> Mapping[str, Sequence[RequestOption]]:
        """instance id → what can be chosen there for such a request, of the backends that answer (or of one). Raises ProviderErrors only for
        a single one."""
        item = RequestItem(kind, {}, "", variant=variant)
        if instance_id is not None:
            handle = self._backends.get(instance_id)
            return {instance_id: await handle.api.options(kind, variant)}
        try:
            able = await self._backends.candidates(item, None)
        except MediaNestError:
            return {}
        able = [one for one in able if one.can(RequestCapability.OPTIONS)]

        async def ask(handle: Any) -> Sequence[RequestOption]:
            try:
                return cast("Sequence[RequestOption]", await handle.api.options(kind, variant))
            except MediaNestError as error:
                _log.info(
                    "a backend's options cannot be read", instance=handle.instance.id, reason=str(error)
                )
                return ()

        answers = await asyncio.gather(*(ask(one) for one in able))
        return {one.instance.id: answer for one, answer in zip(able, answers, strict=True)}

    async def allowances(self, viewer: Viewer, user_id: str | None = None) -> list[Allowance]:
        """What one may ask for: a row per kind of title and variant; user_id: of someone else, for admins (nothing for an unknown one)."""
        whom, role = viewer.id, viewer.role
        found = []
        async with self._db.read() as tx:
            if user_id is not None and user_id != viewer.id and viewer.is_admin:
                whom, role = user_id, str(await tx.scalar(select(users.c.role).where(users.c.id == user_id)))
            policies = await self._policies.of(tx, whom, role)
            for kind, one in self._types.all().items():
                if not one.requestable or kind in PARTS:
                    continue
                for variant in _VARIANTS:
                    policy = governing(
                        policies, user_id=whom, role=role, kind=kind, root_kind=kind, variant=variant
                    )
                    found.append(await self._quotas.allowance(tx, whom, policy, kind=kind, variant=variant))
        return found

    async def takers(self) -> Sequence[Taker]:
        """Where requests go by themselves: a row for each kind and quality."""
        async with self._db.read() as tx:
            profiles = await self._profiles.read(tx)
        found = []
        for kind, one in self._types.all().items():
            if not one.requestable:
                continue
            root = self._types.root(kind)
            for variant in _VARIANTS:
                profile = preferred(profiles, kind, root, variant)
                usual = self._backends.usual(RequestItem(kind, {}, "", variant=variant))
                if profile is not None and profile.instance_id is not None:
                    name = profile.instance_id
                    services = [(name, self._backends.title(name), self._backends.is_ready(name))]
                    found.append(Taker(kind, variant, "profile", services, profile.name))
                    continue
                services = [(each.instance.id, each.instance.title, each.instance.ready) for each in usual]
                people = any(each.can(RequestCapability.USERS) for each in usual)
                found.append(Taker(kind, variant, "people" if people else "order", services))
        return found
