"""Roles and the permissions they bring. `admin` has every permission there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from medianest_core.sdk.permissions import Permission

ADMIN_ROLE = "admin"
USER_ROLE = "user"
ROLES = (ADMIN_ROLE, USER_ROLE)
Declared = Callable[[], Iterable[Permission]]


@lru_cache(maxsize=64)
def _granted(role: str, declared: tuple[Permission, ...]) -> frozenset[str]:
    return frozenset(
        permission.name for permission in declared if role == ADMIN_ROLE or role in permission.default_roles
    )


class Roles:
    """declared: all permissions of the running plugins, asked anew each time because plugins come and go."""

    def __init__(self, declared: Declared = lambda: ()) -> None:
        self._declared = declared

    def permissions_of(self, role: str) -> frozenset[str]:
        """Names of the permissions that the role has."""
        return _granted(role, tuple(self._declared()))

    def all(self) -> list[Permission]:
        """Every declared permission, by name."""
        return sorted(self._declared(), key=lambda permission: permission.name)
