"""Encrypted archives: the age format, read strictly."""

from __future__ import annotations

import base64
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medianest_core.store.backup.age import CHUNK, Encrypting, decrypt, is_encrypted
from medianest_core.store.backup.errors import Damaged, WrongPassphrase

WORK = 4
ELSEWHERE = (
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCBTY1A1cXlZaGNQWWtDZDVzVXUyTEJnIDE5CjByQ2lRTTQ3aW"
    "5rQTQ0NDU3VEZTV0dPN1NwcWVObGFad0trOWN5RG5za1EKLS0tIGVmWGM2VW9ZVk9hMjRqcHg4WC9BT1FsZGM5QVZU"
    "MWJuSVFYUVYwWnNtQm8Km7li/vw7T5HvbaEhhpfwY3oyzJxeHEoDqxoKujQmOTvlFDAcFOamIZC86ciANA=="
)


def sealed(text: bytes, passphrase: str = "secret", *, pieces: int = 1) -> bytes:
    file = io.BytesIO()
    writer = Encrypting(file, passphrase, work=WORK)
    step = max(1, -(-len(text) // pieces))
    for start in range(0, len(text), step):
        writer.write(text[start : start + step])
    writer.close()
    return file.getvalue()


def opened(data: bytes, passphrase: str = "secret") -> bytes:
    target = io.BytesIO()
    decrypt(io.BytesIO(data), target, passphrase)
    return target.getvalue()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5])
@pytest.mark.parametrize("pieces", [1, 7])
def test_what_was_written_is_read(size: int, pieces: int) -> None:
    text = bytes(range(256)) * (size // 256 + 1)
    data = sealed(text[:size], pieces=pieces)
    assert opened(data) == text[:size]
    assert is_encrypted(io.BytesIO(data))


@pytest.mark.full
def test_a_file_of_another_program_is_read() -> None:
    """Made by rage's library: `pyrage.passphrase.encrypt(b"made elsewhere", "correct horse")`."""
    assert opened(base64.b64decode(ELSEWHERE), "correct horse") == b"made elsewhere"


def test_a_wrong_passphrase_is_told_from_damage() -> None:
    with pytest.raises(WrongPassphrase):
        opened(sealed(b"text"), "Secret")


def test_every_flipped_bit_and_every_cut_is_noticed() -> None:
    data = sealed(b"some text")
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            with pytest.raises((Damaged, WrongPassphrase)):
                opened(bytes(changed))
        with pytest.raises((Damaged, WrongPassphrase)):
            opened(data[:place])
    with pytest.raises(Damaged):
        opened(data + b"x")


def test_a_whole_chunk_cannot_be_cut_off() -> None:
    data = sealed(bytes(2 * CHUNK))
    with pytest.raises(Damaged):
        opened(data[: -(CHUNK + 16)])


def test_a_header_cannot_ask_for_all_the_memory() -> None:
    data = sealed(b"x").replace(b" 4\n", b" 30\n")
    with pytest.raises(Damaged):
        opened(data)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_anything_else_is_refused(data: bytes) -> None:
    for text in (data, b"age-encryption.org/v1\n" + data):
        with pytest.raises((Damaged, WrongPassphrase)):
            opened(text)
