"""Who may ask for what: rules for roles and for single people. What no rule allows is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from medianest_core.base.ids import new_id
from medianest_core.base.texts import N_
from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.accounts.roles import ADMIN_ROLE, ROLES, USER_ROLE
from medianest_core.domain.requests.entries import Policy
from medianest_core.domain.requests.kinds import MediaTypes
from medianest_core.sdk.errors import UserError
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import Stale
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.accounts import users
from medianest_core.store.tables.requests import request_policies

ANY = "*"
DEFAULTS = (
    Policy("", "role", ADMIN_ROLE, ANY, ANY, auto_approve=True),
    Policy("", "role", USER_ROLE, ANY, "", auto_approve=False),
)
"""In force where nothing more exact was written down; 4K is for admins until a rule says otherwise."""


def governing(
    policies: Iterable[Policy], *, user_id: str, role: str, kind: str, root_kind: str, variant: str
) -> Policy | None:
    """The most exact rule: the person before the role, written before built in, the kind before its title's kind before any, the
    variant before any."""
    subjects = (("user", user_id), ("role", role))
    fitting = [
        one
        for one in policies
        if (one.subject, one.subject_id) in subjects
        and one.kind in (kind, root_kind, ANY)
        and one.variant in (variant, ANY)
    ]
    return max(
        fitting,
        key=lambda one: (
            one.subject == "user",
            bool(one.id),
            one.kind == kind,
            one.kind == root_kind,
            one.variant == variant,
        ),
        default=None,
    )


class Policies:
    def __init__(self, db: Database, types: MediaTypes) -> None:
        self._db = db
        self._types = types

    async def all(self) -> list[Policy]:
        """The written rules; then the built-in ones."""
        async with self._db.read() as tx:
            rows = await tx.all(
                select(request_policies).order_by(
                    request_policies.c.subject,
                    request_policies.c.subject_id,
                    request_policies.c.kind,
                    request_policies.c.variant,
                )
            )
        return [*(Policy(**row) for row in rows), *DEFAULTS]

    async def of(self, tx: Tx, user_id: str, role: str) -> list[Policy]:
        """All rules that could concern this person."""
        rows = await tx.all(
            select(request_policies).where(
                or_(
                    and_(request_policies.c.subject == "user", request_policies.c.subject_id == user_id),
                    and_(request_policies.c.subject == "role", request_policies.c.subject_id == role),
                )
            )
        )
        return [*(Policy(**row) for row in rows), *DEFAULTS]

    async def put(self, policy: Policy, actor: str) -> Policy:
        """Add a rule (id empty) or change one. Raises UserError, Stale, Missing."""
        self._check(policy)
        values = _values(policy)
        async with self._db.begin() as tx:
            if policy.subject == "user" and not await tx.scalar(
                select(users.c.id).where(users.c.id == policy.subject_id)
            ):
                raise UserError(N_("There is no such account."), "subject_id")
            if policy.id:
                try:
                    changed = await tx.execute(
                        update(request_policies)
                        .where(
                            request_policies.c.id == policy.id, request_policies.c.version == policy.version
                        )
                        .values(**values, version=policy.version + 1)
                    )
                except IntegrityError as error:
                    raise UserError(N_("There is a rule for exactly this already."), "kind") from error
                if changed.rowcount != 1:
                    await _stale(tx, policy.id)
                made = replace(policy, version=policy.version + 1)
            else:
                made = replace(policy, id=new_id(), version=1)
                try:
                    await tx.execute(request_policies.insert().values(id=made.id, version=1, **values))
                except IntegrityError as error:
                    raise UserError(N_("There is a rule for exactly this already."), "kind") from error
            await record(tx, actor=actor, action="requests.policy", target=made.id, details=values)
        return made

    async def remove(self, policy_id: str, actor: str) -> None:
        """Raises Missing."""
        async with self._db.begin() as tx:
            gone = await tx.execute(delete(request_policies).where(request_policies.c.id == policy_id))
            if not gone.rowcount:
                raise Missing(N_("There is no such rule."))
            await record(tx, actor=actor, action="requests.policy_removed", target=policy_id)

    def _check(self, policy: Policy) -> None:
        if policy.subject not in ("role", "user"):
            raise UserError(N_("A rule is for a role or for a person."), "subject")
        if policy.subject == "role" and policy.subject_id not in ROLES:
            raise UserError(N_("There is no such role."), "subject_id")
        if policy.kind != ANY and self._types.get(policy.kind) is None:
            raise UserError(N_("There is no such kind of title."), "kind")
        if policy.quota is not None and not 0 <= policy.quota <= 1e15:
            raise UserError(N_("A limit is 0 or more."), "quota")
        if not 1 <= policy.window_days <= 3660:
            raise UserError(N_("Choose between 1 and 3660 days."), "window_days")


def _values(policy: Policy) -> dict[str, Any]:
    return {
        name: getattr(policy, name) for name in Policy.__dataclass_fields__ if name not in ("id", "version")
    }


async def _stale(tx: Tx, policy_id: str) -> None:
    row = await tx.first(select(request_policies).where(request_policies.c.id == policy_id))
    if row is None:
        raise Missing(N_("There is no such rule."))
    raise Stale({str(name): value for name, value in row.items()})
