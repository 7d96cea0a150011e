"""File and folder names from titles that strangers wrote: one safe path component each."""

from __future__ import annotations

import hashlib
import re
import unicodedata

COMPONENT_BYTES = 120
_LOOK_ALIKES = str.maketrans(
    {"/": "∕", "\\": "∖", ":": "꞉", "*": "∗", "?": "？", '"': "”", "<": "‹", ">": "›", "|": "∣"}
)
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{kind}{number}" for kind in ("com", "lpt") for number in range(10))}
)
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_:-]{1,64}")


def safe_name(text: str, *, limit: int = COMPONENT_BYTES, fallback: str = "Untitled") -> str:
    """One path component of at most `limit` bytes of UTF-8: no separator, control or direction mark, no dot, dash or blank at
    its ends, no device name. Idempotent and never empty."""
    kept = "".join(
        sign if unicodedata.category(sign) not in _UNSEEN else " " if sign in "\t\r\n" else ""
        for sign in unicodedata.normalize("NFC", text).translate(_LOOK_ALIKES)
    )
    name = _trim(_cut(_trim(" ".join(kept.split())), limit))
    if not name:
        return fallback
    if name.partition(".")[0].strip().lower() in _DEVICES:
        return _trim(_cut(f"_{name}", limit))
    return name


def stem_of(title: str, key: str) -> str:
    """File name without extension: "Title [key]". The key keeps items apart and lets one be found again."""
    mark = (
        key.replace(":", "-") if _PLAIN_KEY.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()[:16]
    )
    return f"{safe_name(title)} [{mark}]"


def user_folder(username: str, user_id: str) -> str:
    """Folder of one person; stays apart from people of the same name."""
    return f"{safe_name(username, limit=60, fallback='user')} {safe_name(user_id, limit=8, fallback='x')}"


def _cut(text: str, limit: int) -> str:
    return text.encode("utf-8", "ignore")[:limit].decode("utf-8", "ignore")


def _trim(text: str) -> str:
    previous = None
    while text != previous:
        previous, text = text, text.strip().strip(".").lstrip("-~").strip()
    return text
