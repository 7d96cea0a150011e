"""Permissions and the policies that routes, pages, jobs and socket events carry.

Everything that can be reached carries a policy; the core refuses to start with one that does not. Roles compose
permissions; `admin` has all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Permission:
    """Something a person may do: `name` as `area.verb`, `title` for people, `default_roles` who has it at first."""

    name: str
    title: str
    default_roles: frozenset[str] = frozenset({"user"})


class Access(StrEnum):
    """Who a policy lets in before ownership is looked at."""

    PUBLIC = "public"
    """Anyone, signed in or not. The list of these is reviewed; plugins may not use it."""
    PENDING = "pending"
    """Anyone signed in, also while their account waits for approval."""
    USER = "user"
    """Active accounts."""
    ADMIN = "admin"
    """Active accounts with the admin role."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may come in.

    permission: an additional permission name, or None.
    owner: the thing addressed has an owner; others than the owner and admins get 404, as if it did not exist.
    """

    access: Access = Access.USER
    permission: str | None = None
    owner: bool = False


PUBLIC = Policy(Access.PUBLIC)
PENDING = Policy(Access.PENDING)
USER = Policy(Access.USER)
ADMIN = Policy(Access.ADMIN)
OWNER = Policy(Access.USER, owner=True)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody is about to do. method: of HTTP. path: below the portal's own sub-path."""

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Denial:
    """A plugin's no. reason: shown to the person, in plain words."""

    reason: str = ""


def needs(permission: str, *, owner: bool = False) -> Policy:
    """Policy for active accounts that hold `permission`."""
    return Policy(Access.USER, permission=permission, owner=owner)
