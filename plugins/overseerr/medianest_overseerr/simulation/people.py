"""People at the simulated Seerr. Most came from Plex and have the ids of the people of the simulated Plex."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from medianest_overseerr.simulation.constants import LOCAL_USER, PLEX_USER, Permission

PASSWORD = "seerr-simulator"
P = Permission


@dataclass
class Person:
    """permissions: bits. Quotas: a limit within a number of days, both None where the person has none."""

    id: int
    name: str
    email: str
    permissions: int
    plex_id: int | None = None
    plex_name: str | None = None
    movie_limit: int | None = None
    movie_days: int | None = None
    tv_limit: int | None = None
    tv_days: int | None = None
    created_at: float = 1_750_000_000.0
    updated_at: float = 1_750_000_000.0

    @property
    def type(self) -> int:
        return PLEX_USER if self.plex_id is not None else LOCAL_USER

    @property
    def avatar(self) -> str:
        digest = hashlib.md5(self.email.encode()).hexdigest()  # noqa: S324  # how Gravatar names pictures
        return f"https://gravatar.com/avatar/{digest}?default=mm&size=200"

    def may(self, *wanted: Permission, both: bool = False) -> bool:
        """Any of `wanted` (all of them with `both`); admins may everything."""
        if self.permissions & P.ADMIN:
            return True
        found = [bool(self.permissions & bit) for bit in wanted]
        return all(found) if both else any(found)


@dataclass
class People:
    """Everybody, the owner first; `importable` are in Plex and not here yet."""

    everyone: list[Person] = field(default_factory=lambda: _default())
    importable: list[Person] = field(default_factory=lambda: _importable())

    def get(self, number: object) -> Person | None:
        return next((person for person in self.everyone if person.id == number), None)

    def next_id(self) -> int:
        return max(person.id for person in self.everyone) + 1


def _default() -> list[Person]:
    return [
        Person(1, "Olivia Owner", "owner@example.test", P.ADMIN, 1000001, "owner"),
        Person(2, "casey", "casey@example.test", P.REQUEST | P.CREATE_ISSUES, 1000002, "casey"),
        Person(
            3,
            "jordan",
            "jordan@example.test",
            P.REQUEST | P.AUTO_APPROVE | P.REQUEST_4K | P.CREATE_ISSUES,
            1000003,
            "jordan",
            movie_limit=2,
            movie_days=7,
            tv_limit=3,
            tv_days=7,
        ),
        Person(4, "Lena Local", "lena@example.test", 0),
    ]


def _importable() -> list[Person]:
    return [Person(0, "robin", "robin@example.test", P.REQUEST, 1000004, "robin")]
