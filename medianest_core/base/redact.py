"""Keeps secrets out of text that leaves us: works on the finished text, because secrets arrive inside exceptions and URLs."""

from __future__ import annotations

import re
from threading import Lock

from medianest_core.sdk.settings import MASK

_MINIMUM = 6
_known: set[str] = set()
_pattern: re.Pattern[str] | None = None
_lock = Lock()
_SHAPES = re.compile(
    r"(?i)((?:[\w-]*[_-]?token|(?:x-)?api[_-]?key|password|secret)[\"']?\s*[=:]\s*[\"']?)"
    r"([^\s\"'&,;}{)]+)"
    r"|(authorization[\"']?\s*[=:]\s*[\"']?(?:bearer|basic)?\s*)([^\s\"',;}]+)"
    r"|(://[^/\s:@]+:)([^@\s/]+)(?=@)"
)


def register_secret(value: str) -> None:
    """From now on `value` is masked wherever it stands. Very short values are left alone: they would mask ordinary words."""
    global _pattern
    if len(value) < _MINIMUM:
        return
    with _lock:
        if value not in _known:
            _known.add(value)
            _pattern = re.compile(
                "|".join(re.escape(known) for known in sorted(_known, key=len, reverse=True))
            )


def mask_known(text: str) -> str:
    """`text` without known secrets. For words that people read, where something may only look like a secret."""
    return _pattern.sub(MASK, text) if _pattern is not None else text


def redact(text: str) -> str:
    """`text` without known secrets and without what looks like one."""
    text = mask_known(text)
    return _SHAPES.sub(lambda m: (m[1] or m[3] or m[5]) + MASK, text)
