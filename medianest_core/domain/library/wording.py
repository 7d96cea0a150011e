"""Text as it is compared, sorted and searched: one normal form for titles and names."""

from __future__ import annotations

import re
import unicodedata

_PLAIN = str.maketrans(
    {
        **{chr(code): " " for code in range(128) if not chr(code).isalnum()},
        **{chr(code): chr(code).lower() for code in range(128) if chr(code).isalnum()},
        "&": " and ",
    }
)
_NOT_WORD = re.compile(r"[^\w]+", re.UNICODE)
_TRAILING_ARTICLE = re.compile(r"^(.*), (the|a|an|der|die|das|ein|eine|le|la|les|el|los|las|il|lo)$", re.I)
_ENGLISH = frozenset({"en", "eng"})
_ARTICLES = frozenset({"the", "a", "an", "der", "die", "das", "le", "la", "les", "el", "los", "las"})


def plain(value: str) -> str:
    """Case, accents and punctuation removed, words one blank apart. Idempotent; empty only where nothing can be read."""
    if value.isascii():
        return " ".join(value.translate(_PLAIN).split())
    decomposed = unicodedata.normalize("NFKD", value.casefold())
    folded = "".join(sign for sign in decomposed if not unicodedata.combining(sign)).casefold()
    return " ".join(_NOT_WORD.sub(" ", folded.replace("&", " and ").replace("_", " ")).split())


def match_title(value: str) -> str:
    """The form in which two titles are the same title: "Matrix, The" equals "The Matrix"."""
    moved = _TRAILING_ARTICLE.match(value.strip()) if ", " in value else None
    return plain(f"{moved[2]} {moved[1]}" if moved else value) or " ".join(value.casefold().split())


def sort_form(value: str) -> str:
    """The form titles are sorted by: without a leading article."""
    words = plain(value)
    first, _, rest = words.partition(" ")
    return (rest if rest and first in _ARTICLES else words) or value.casefold()


def english_first(language: str) -> tuple[bool, str]:
    """Sorts languages of captions (tags like "en", "pt-BR"): English before all others, which follow by their tag."""
    return language.replace("_", "-").partition("-")[0].casefold() not in _ENGLISH, language


def search_terms(value: str, limit: int = 8) -> list[str]:
    """The words of a search text; each is matched as a prefix."""
    return plain(value).split()[:limit]
