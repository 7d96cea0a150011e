"""People at the simulated plex.tv: who they are, which tokens they hold and who may see the server.

Tokens are derived from the seed, so that a client's stored token stays good when the simulator is started again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["owner", "shared", "stranger", "managed"]


@dataclass
class Person:
    """One plex.tv account. `sections` are the keys of the libraries shared with it; None means all."""

    id: int
    username: str
    title: str
    role: Role
    sections: frozenset[int] | None = None
    shared: bool = True
    generation: int = 0
    server_generation: int = 0

    @property
    def email(self) -> str:
        """Managed users have none."""
        return "" if self.role == "managed" else f"{self.username}@example.test"

    @property
    def uuid(self) -> str:
        """16 hexadecimal digits."""
        return hashlib.sha256(f"person-{self.id}".encode()).hexdigest()[:16]

    def may_see(self, section: int) -> bool:
        """Whether this person may see a library of the server."""
        return self.role == "owner" or self.sections is None or section in self.sections


def default_people() -> list[Person]:
    """The owner, three people with whom the server is shared, a managed user and a stranger."""
    return [
        Person(1000001, "owner", "Olivia Owner", "owner"),
        Person(1000002, "casey", "Casey Morgan", "shared"),
        Person(1000003, "jordan", "Jordan Reyes", "shared"),
        Person(1000004, "robin", "Robin Castell", "shared", sections=frozenset({1})),
        Person(1000005, "kid", "Kid", "managed"),
        Person(1000009, "stranger", "Sasha Stranger", "stranger", shared=False),
    ]


@dataclass
class Accounts:
    """Everybody, and the tokens they may present. `machine` is our server's machineIdentifier."""

    seed: int
    people: list[Person] = field(default_factory=default_people)
    signed_out: Counter[tuple[int, str]] = field(default_factory=Counter)

    @property
    def machine(self) -> str:
        """40 hexadecimal digits, different for each seed."""
        return hashlib.sha1(f"medianest-plex-{self.seed}".encode()).hexdigest()  # noqa: S324  # an identifier

    @property
    def other_machine(self) -> str:
        """The stranger's own server."""
        return hashlib.sha1(f"medianest-other-{self.seed}".encode()).hexdigest()  # noqa: S324  # an identifier

    @property
    def owner(self) -> Person:
        """The person whose server this is."""
        return self.people[0]

    def find(self, name: str) -> Person:
        """By user name or numeric id; LookupError."""
        for person in self.people:
            if name in (person.username, str(person.id)):
                return person
        raise LookupError(f"no user {name!r}; one of {', '.join(p.username for p in self.people)}")

    def has_access(self, person: Person) -> bool:
        """Whether our server is the person's own or shared with them."""
        return person.role == "owner" or (person.shared and person.role != "stranger")

    def account_token(self, person: Person, client_id: str) -> str:
        """The plex.tv token of a person on one device: 20 characters."""
        return self._token("A", person, _digest(client_id)[:7], person.generation)

    def server_token(self, person: Person) -> str:
        """The accessToken of a person for our server: 20 characters, unknown to plex.tv."""
        return self._token("S", person, _digest(self.machine)[:7], person.server_generation)

    def by_account_token(self, token: str | None) -> Person | None:
        """Who holds this account token, unless it was revoked."""
        return self._holder("A", token)

    def by_server_token(self, token: str | None) -> Person | None:
        """Who may use our server with this token."""
        person = self._holder("S", token)
        return person if person is not None and self.has_access(person) else None

    def revoke(self, person: Person, *, account: bool, server: bool, sharing: bool) -> None:
        """End the person's account tokens, their server token, their place in the sharing list."""
        person.generation += account
        person.server_generation += server
        if sharing:
            person.shared = False

    def sign_out(self, person: Person, token: str) -> None:
        """End one account token; the device gets another at its next sign-in."""
        self.signed_out[person.id, token[3:10]] += 1

    def restore(self, person: Person) -> None:
        """Share the server with the person (again). Revoked tokens stay revoked."""
        person.shared = True

    def _token(self, kind: str, person: Person, nonce: str, generation: int) -> str:
        text = f"{self.seed}/{kind}/{person.id}/{nonce}/{generation}/{self.signed_out[person.id, nonce]}"
        mac = hmac.new(b"medianest plex simulator", text.encode(), "sha256").digest()
        index = self.people.index(person)
        return f"{kind}{index:02d}{nonce}{base64.b32encode(mac).decode()[:10].lower()}"

    def _holder(self, kind: str, token: str | None) -> Person | None:
        if token is None or len(token) != 20 or token[0] != kind or not token[1:3].isdecimal():
            return None
        index = int(token[1:3])
        if index >= len(self.people):
            return None
        person = self.people[index]
        generation = person.generation if kind == "A" else person.server_generation
        good = self._token(kind, person, token[3:10], generation)
        return person if hmac.compare_digest(good.encode(), token.encode()) else None


def _digest(text: str) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()
