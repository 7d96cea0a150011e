"""Sealing of secrets at rest: AES-256-GCM with a key id, so that keys can be rotated.

The key file is made once, readable by its owner only, and its keys are never thrown away by themselves: a portal whose keys
cannot be read says so instead of starting empty. Another process may add a key at any time; the file is looked at again
before anything is sealed, and when a text was sealed with a key that is not known yet.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
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
        self._stamp = _stamp(path)
        self.signing_key = signing_key

    @property
    def current(self) -> str:
        """Id of the key that seals."""
        self._look()
        return self._current

    @property
    def names(self) -> tuple[str, ...]:
        """Ids of all keys, oldest first."""
        self._look()
        return tuple(self._keys)

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

        self._look()
        nonce = secrets.token_bytes(12)
        sealed = AESGCM(self._keys[self._current]).encrypt(nonce, text.encode(), context.encode())
        return f"{_PREFIX}.{self._current}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, context: str = "") -> str:
        """The clear text. Raises CannotOpen."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        prefix, _, rest = sealed.partition(".")
        name, _, body = rest.partition(".")
        if name not in self._keys:
            self._look()
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
        """Add a key that seals from now on, in every process; older ones still open. Returns its id."""
        with self._alone():
            name = f"k{max((int(one[1:]) for one in self._keys if one[1:].isdigit()), default=0) + 1}"
            self._keys[name] = secrets.token_bytes(32)
            self._current = name
            self._write()
        return name

    def drop(self, name: str) -> None:
        """Forget a key: what it sealed cannot be opened again. Raises KeyError for an unknown key, ValueError for the current."""
        with self._alone():
            if name == self._current:
                raise ValueError("the current key is needed")
            del self._keys[name]
            self._write()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else changes the file meanwhile, and what others added before is known."""
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._look()
            yield

    def _look(self) -> None:
        stamp = _stamp(self._path)
        if stamp is None or stamp == self._stamp:
            return
        fresh = Keyring.load_or_create(self._path)
        self._keys, self._current, self._stamp = fresh._keys, fresh._current, stamp

    def _write(self) -> None:
        temporary = self._path.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(self._dump())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._stamp = _stamp(self._path)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Changes with the file; None where there is none."""
    try:
        known = path.stat()
    except OSError:
        return None
    return known.st_ino, known.st_mtime_ns, known.st_size
