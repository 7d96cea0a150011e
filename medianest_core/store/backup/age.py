"""Encryption of archives with a passphrase, in the age format (age-encryption.org/v1): `age --decrypt` opens them too.

The primitives come from `cryptography`; the libraries that speak age hold the whole text in memory when it is a passphrase
that opens it, and an archive may be large.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from hashlib import sha256
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from medianest_core.base.texts import N_
from medianest_core.store.backup.errors import Damaged, WrongPassphrase

MAGIC = b"age-encryption.org/v1\n"
CHUNK = 64 * 1024
WORK = 17
"""Logarithm of scrypt's cost: 128 MiB and about half a second for each try of a passphrase."""
_MOST_WORK = 19
_TAG = 16
_LABEL = b"age-encryption.org/v1/scrypt"
_LONGEST_LINE = 128
_DAMAGED = N_("The encrypted archive is damaged or was changed.")


def _b64(raw: bytes) -> bytes:
    return base64.b64encode(raw).rstrip(b"=")


def _unb64(text: bytes, length: int) -> bytes:
    try:
        raw = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise Damaged(_DAMAGED) from error
    # Several texts decode to the same bytes; only one of them is what was written.
    if len(raw) != length or _b64(raw) != text:
        raise Damaged(_DAMAGED)
    return raw


def _hkdf(key: bytes, salt: bytes | None, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(key)


def _wrapping_key(passphrase: str, salt: bytes, work: int) -> bytes:
    return Scrypt(_LABEL + salt, 32, 1 << work, 8, 1).derive(passphrase.encode())


def _mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.new(_hkdf(file_key, None, b"header"), header, sha256).digest()


def _nonce(counter: int, last: bool) -> bytes:
    return counter.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


class Encrypting:
    """A file to write to; `close` writes the end and leaves the file below open."""

    def __init__(self, below: IO[bytes], passphrase: str, *, work: int = WORK) -> None:
        salt, file_key, nonce = os.urandom(16), os.urandom(16), os.urandom(16)
        body = ChaCha20Poly1305(_wrapping_key(passphrase, salt, work)).encrypt(bytes(12), file_key, None)
        header = MAGIC + b"-> scrypt %b %d\n%b\n---" % (_b64(salt), work, _b64(body))
        below.write(header + b" " + _b64(_mac(file_key, header)) + b"\n" + nonce)
        self._below = below
        self._cipher = ChaCha20Poly1305(_hkdf(file_key, nonce, b"payload"))
        self._kept = bytearray()
        self._counter = 0

    def write(self, data: bytes) -> int:
        self._kept += data
        # A chunk is the last one or not; which of the two is known only when more comes.
        while len(self._kept) > CHUNK:
            self._put(bytes(self._kept[:CHUNK]), last=False)
            del self._kept[:CHUNK]
        return len(data)

    def flush(self) -> None:
        """What makes no whole chunk waits."""

    def close(self) -> None:
        self._put(bytes(self._kept), last=True)
        self._kept.clear()

    def _put(self, chunk: bytes, *, last: bool) -> None:
        self._below.write(self._cipher.encrypt(_nonce(self._counter, last), chunk, None))
        self._counter += 1


def is_encrypted(file: IO[bytes]) -> bool:
    """Whether it begins as an age file does; the position is at the start afterwards."""
    file.seek(0)
    start = file.read(len(MAGIC))
    file.seek(0)
    return start == MAGIC


def decrypt(source: IO[bytes], target: IO[bytes], passphrase: str) -> None:
    """Write what `source` holds to `target`. Raises WrongPassphrase, Damaged; `target` may hold a part then."""
    file_key = _file_key(source, passphrase)
    nonce = source.read(16)
    if len(nonce) != 16:
        raise Damaged(_DAMAGED)
    cipher = ChaCha20Poly1305(_hkdf(file_key, nonce, b"payload"))
    counter, chunk = 0, source.read(CHUNK + _TAG)
    while True:
        following = source.read(CHUNK + _TAG)
        try:
            text = cipher.decrypt(_nonce(counter, not following), chunk, None)
        except InvalidTag as error:
            raise Damaged(_DAMAGED) from error
        if not text and counter:
            raise Damaged(_DAMAGED)
        target.write(text)
        if not following:
            return
        counter, chunk = counter + 1, following


def _line(source: IO[bytes]) -> bytes:
    line = source.readline(_LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise Damaged(_DAMAGED)
    return line


def _file_key(source: IO[bytes], passphrase: str) -> bytes:
    first, stanza, body, end = (_line(source) for _ in range(4))
    words = stanza[:-1].split(b" ")
    if first != MAGIC or len(words) != 4 or words[:2] != [b"->", b"scrypt"] or not end.startswith(b"--- "):
        raise Damaged(_DAMAGED)
    salt = _unb64(words[2], 16)
    if not words[3].isdigit() or str(int(words[3])).encode() != words[3] or int(words[3]) > _MOST_WORK:
        raise Damaged(_DAMAGED)
    sealed = _unb64(body[:-1], 32)
    mac = _unb64(end[4:-1], 32)
    work = int(words[3])
    if work < 1:
        raise Damaged(_DAMAGED)
    try:
        file_key = ChaCha20Poly1305(_wrapping_key(passphrase, salt, work)).decrypt(bytes(12), sealed, None)
    except InvalidTag as error:
        raise WrongPassphrase(N_("The passphrase does not open this archive.")) from error
    if not hmac.compare_digest(mac, _mac(file_key, first + stanza + body + b"---")):
        raise Damaged(_DAMAGED)
    return file_key
