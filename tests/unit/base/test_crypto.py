from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.base.crypto import CannotOpen, Keyring, KeyringUnreadable


def test_a_sealed_text_opens_only_in_its_own_context(tmp_path: Path) -> None:
    ring = Keyring.load_or_create(tmp_path / "keys.json")
    sealed = ring.seal("hunter2-secret", "instance-1/key")
    assert "hunter2" not in sealed
    assert ring.open(sealed, "instance-1/key") == "hunter2-secret"
    with pytest.raises(CannotOpen):
        ring.open(sealed, "instance-2/key")


def test_the_key_file_is_private_and_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    sealed = Keyring.load_or_create(path).seal("text")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Keyring.load_or_create(path).open(sealed) == "text"


def test_old_texts_open_after_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    ring = Keyring.load_or_create(path)
    old = ring.seal("old")
    ring.rotate()
    again = Keyring.load_or_create(path)
    assert again.open(old) == "old"
    assert again.key_of(again.seal("new")) != again.key_of(old)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"keys": {}, "current": "k1", "signing": ""}', "\xff"])
def test_a_damaged_key_file_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content, encoding="latin-1")
    before = path.read_bytes()
    with pytest.raises(KeyringUnreadable):
        Keyring.load_or_create(path)
    assert path.read_bytes() == before


@given(st.text(), st.text(), st.integers(min_value=0, max_value=200))
def test_a_changed_byte_never_opens(text: str, context: str, position: int) -> None:
    ring = Keyring(Path("unused"), {"k1": b"k" * 32}, "k1", b"s" * 32)
    prefix, key, body = ring.seal(text, context).split(".")
    index = position % len(body.rstrip("="))
    changed = body[:index] + ("A" if body[index] != "A" else "B") + body[index + 1 :]
    try:
        assert (
            ring.open(f"{prefix}.{key}.{changed}", context) == text
        )  # the unused bits of the last base64 character
        assert index == len(body.rstrip("=")) - 1
    except CannotOpen:
        pass
