"""File and folder names from titles other people wrote: safe on every file system and in every shell (stdlib only)."""

from __future__ import annotations

import re
import unicodedata

MAX_STEM_BYTES = 160
EXTENSIONS = frozenset({"mp4", "mkv", "webm", "mp3", "m4a", "srt", "vtt", "jpg", "nfo"})

# Look-alikes keep a title readable where a character is forbidden on some file system.
_REPLACED = str.maketrans(
    {"/": "⧸", "\\": "⧹", ":": " -", "*": "＊", "?": "？", '"': "'", "<": "‹", ">": "›", "|": "-"}
)
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(10))}
)
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DROPPED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def safe_name(title: str, *, limit: int = MAX_STEM_BYTES, fallback: str = "Untitled") -> str:
    """A single path component of at most `limit` bytes: no separators, controls or direction marks, no leading or
    trailing dots, dashes or blanks, no device name of Windows. Idempotent; never empty."""
    text = unicodedata.normalize("NFC", title.translate(_REPLACED))
    text = "".join(
        " " if c in "\t\n\r" else c for c in text if c in "\t\n\r" or unicodedata.category(c) not in _DROPPED
    )
    text = _trimmed(" ".join(text.split()))
    text = _trimmed(text.encode("utf-8", "ignore")[:limit].decode("utf-8", "ignore"))
    if not text:
        return fallback
    if text.split(".", 1)[0].strip().lower() in _RESERVED:
        return _trimmed(f"_{text}".encode()[:limit].decode("utf-8", "ignore"))
    return text


def stem(title: str, identifier: str) -> str:
    """``Title [id]``: the id makes it unique and lets the same item be found again."""
    safe_id = (
        identifier if _IDENTIFIER.fullmatch(identifier) else safe_name(identifier, limit=64, fallback="item")
    )
    return f"{safe_name(title)} [{safe_id}]"


def _trimmed(text: str) -> str:
    previous = None
    while text != previous:
        previous, text = text, text.strip().lstrip(".-~").rstrip(".")
    return text
