"""Sealing of secrets at rest: AES-256-GCM with a key id, so that keys can be rotated.

The key file is made once, readable by its owner only, and is never replaced: a portal whose keys cannot be read says so
instead of starting empty.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

from medianest_core.sdk.errors import MediaNestError

_PREFIX = "mn1"


class KeyringUnreadable(MediaNestError):
    """The key file is there but cannot be used; the message says what to do."""


class CannotOpen(MediaNestError):
    """The sealed text was sealed with a key we do not have, or was changed."""


class Keyring:
    """The portal's keys. The newest key seals; all of them open."""

    def __init__(self, path: Path, keys: dict[str, bytes], current: str, signing_key: bytes) -> None:
        self._path = path
        self._keys = keys
        self._current = current
        self.signing_key = signing_key

    @classmethod
    def load_or_create(cls, path: Path) -> Keyring:
        """Read the key file, or make it where there is none. Raises KeyringUnreadable."""
        try:
            text = path.read_text(encoding="ascii")
        except FileNotFoundError:
            return cls._create(path)
        except (OSError, UnicodeDecodeError) as error:
            raise KeyringUnreadable(
                f"The key file {path.name} cannot be read. Restore it from a backup."
            ) from error
        try:
            data = json.loads(text)
            keys = {name: base64.b64decode(key) for name, key in data["keys"].items()}
            current, signing = data["current"], base64.b64decode(data["signing"])
            if current not in keys or len(signing) != 32 or any(len(key) != 32 for key in keys.values()):
                raise ValueError("incomplete")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise KeyringUnreadable(
                f"The key file {path.name} is damaged. Restore it from a backup."
            ) from error
        return cls(path, keys, current, signing)

    @classmethod
    def _create(cls, path: Path) -> Keyring:
        ring = cls(path, {"k1": secrets.token_bytes(32)}, "k1", secrets.token_bytes(32))
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls.load_or_create(path)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(ring._dump())
            file.flush()
            os.fsync(file.fileno())
        return ring

    def _dump(self) -> str:
        return json.dumps(
            {
                "keys": {name: base64.b64encode(key).decode() for name, key in self._keys.items()},
                "current": self._current,
                "signing": base64.b64encode(self.signing_key).decode(),
            }
        )

    def seal(self, text: str, context: str = "") -> str:
        """Ciphertext that opens only with the same `context` (what it belongs to)."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(12)
        sealed = AESGCM(self._keys[self._current]).encrypt(nonce, text.encode(), context.encode())
        return f"{_PREFIX}.{self._current}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, context: str = "") -> str:
        """The clear text. Raises CannotOpen."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        prefix, _, rest = sealed.partition(".")
        name, _, body = rest.partition(".")
        key = self._keys.get(name)
        if prefix != _PREFIX or key is None:
            raise CannotOpen(
                "The stored secret was sealed with a key that is not here. Restore the key file or enter it again."
            )
        try:
            raw = base64.urlsafe_b64decode(body)
            return AESGCM(key).decrypt(raw[:12], raw[12:], context.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise CannotOpen("The stored secret cannot be opened. Enter it again.") from error

    def key_of(self, sealed: str) -> str:
        """Id of the key that sealed it."""
        return sealed.split(".")[1]

    def rotate(self) -> str:
        """Add a key that seals from now on; older ones still open. Returns its id."""
        name = f"k{len(self._keys) + 1}"
        self._keys[name] = secrets.token_bytes(32)
        self._current = name
        temporary = self._path.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(self._dump())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        return name
