"""PINs of plex.tv: made by a device, approved by a person, read by the device that made them."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from medianest_plex.simulation.accounts import Accounts, Person
from medianest_plex.simulation.options import Options

SHORT_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LONG_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass
class Pin:
    """One PIN; times are epoch seconds."""

    id: int
    code: str
    client_id: str
    product: str
    strong: bool
    created_at: float
    expires_at: float
    token: str | None = None

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return time.time() >= self.expires_at

    def document(self, base_url: str) -> dict[str, object]:
        """The PIN as plex.tv shows it."""
        return {
            "id": self.id,
            "code": self.code,
            "product": self.product,
            "trusted": False,
            "qr": f"{base_url}/api/v2/pins/qr/{self.code}",
            "clientIdentifier": self.client_id,
            "location": {
                "code": "DE",
                "european_union_member": True,
                "continent_code": "EU",
                "country": "Germany",
                "city": "Berlin",
                "time_zone": "Europe/Berlin",
                "postal_code": "10115",
                "in_privacy_restricted_country": True,
                "subdivisions": "Berlin",
                "coordinates": "52.53, 13.38",
            },
            "expiresIn": max(0, round(self.expires_at - time.time())),
            "createdAt": _iso(self.created_at),
            "expiresAt": _iso(self.expires_at),
            "authToken": self.token,
            "newRegistration": None if self.token is None else False,
        }


class Pins:
    """All PINs, expired ones included."""

    def __init__(self, accounts: Accounts, options: Options) -> None:
        self._accounts = accounts
        self._options = options
        self._pins: dict[int, Pin] = {}

    def create(self, client_id: str, product: str, *, strong: bool) -> Pin:
        """A new PIN: 4 characters to type, or 25 for the browser."""
        now = time.time()
        lifetime = self._options.strong_pin_lifetime if strong else self._options.pin_lifetime
        alphabet, length = (LONG_ALPHABET, 25) if strong else (SHORT_ALPHABET, 4)
        taken = {pin.code for pin in self._pins.values() if not pin.expired}
        code = next(
            c
            for c in iter(lambda: "".join(secrets.choice(alphabet) for _ in range(length)), "")
            if c not in taken
        )
        pin = Pin(
            id=secrets.randbelow(900_000_000) + 100_000_000,
            code=code,
            client_id=client_id,
            product=product,
            strong=strong,
            created_at=now,
            expires_at=now + lifetime,
        )
        self._pins[pin.id] = pin
        return pin

    def get(self, pin_id: int, client_id: str) -> Pin | None:
        """The PIN with this id, for the device that made it."""
        pin = self._pins.get(pin_id)
        return pin if pin is not None and pin.client_id == client_id else None

    def by_code(self, code: str) -> Pin | None:
        """The open PIN with this code; case does not matter."""
        wanted = code.strip().lower()
        for pin in self._pins.values():
            if pin.code.lower() == wanted and not pin.expired and pin.token is None:
                return pin
        return None

    def approve(self, pin: Pin, person: Person) -> None:
        """Let the device act for `person`."""
        pin.token = self._accounts.account_token(person, pin.client_id)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
