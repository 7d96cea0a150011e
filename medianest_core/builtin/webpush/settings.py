"""What an admin fills in for web push: a way to be reached. The key is made once and kept."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Sequence

from pydantic import Field, field_validator

from medianest_core.sdk import N_, Secret, ServiceSettings

_CONTACT = re.compile(r"[^\s@<>:]+@[^\s@<>:]+")
# The order of the curve P-256: a private key is a number below it.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def fresh_key() -> Secret:
    """A private key for P-256: 32 bytes, unpadded URL-safe Base64."""
    number = 1 + secrets.randbelow(_ORDER - 1)
    return Secret(base64.urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode())


class PushSettings(ServiceSettings):
    """key: what messages are signed with (VAPID). Another one would need every device to be added anew."""

    contact: str = Field(
        title=N_("E-mail address"),
        description=N_("Where the makers of browsers can write if something is wrong with our messages."),
        examples=["admin@example.org"],
    )
    key: Secret = Field(
        default_factory=fresh_key,
        title=N_("Key"),
        description=N_("Made by the portal. With another one every device has to be added again."),
        json_schema_extra={"advanced": True},
    )
    services_at_home: list[str] = Field(
        default_factory=list,
        max_length=20,
        title=N_("Push services of the house"),
        description=N_(
            "host:port of push services that stand on your own network. Browsers use public ones."
        ),
        json_schema_extra={"advanced": True},
    )

    @field_validator("contact")
    @classmethod
    def _contact(cls, value: str) -> str:
        value = value.strip().removeprefix("mailto:")
        if not _CONTACT.fullmatch(value):
            raise ValueError(N_("Enter an e-mail address."))
        return value

    @field_validator("key")
    @classmethod
    def _key(cls, value: Secret) -> Secret:
        text = value.reveal().strip().rstrip("=")
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raw = b""
        if len(raw) != 32 or not 0 < int.from_bytes(raw) < _ORDER:
            raise ValueError(N_("This is no such key. Leave it empty."))
        return Secret(text)

    def typed_hosts(self) -> Sequence[str]:
        return self.services_at_home

    def hosts(self) -> Sequence[str]:
        return ["*", *self.services_at_home]
