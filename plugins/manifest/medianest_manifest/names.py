"""What the name of a folder says: title, year and ids. And the keys of records. Pure.

Folders are named as media servers expect them: "Title (2009)", with ids in braces or brackets, "{tmdb-603}", "[imdbid-tt0133093]".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

_IDS = re.compile(r"\s*[\[{](tmdb|imdb|tvdb)(?:id)?[-=]([A-Za-z0-9]+)[\]}]", re.IGNORECASE)
_YEAR = re.compile(r"^(?P<title>.+?)[\s.]*[(\[](?P<year>(?:18|19|20|21)\d{2})[)\]]\s*$")
_NUMBERED = re.compile(
    r"(?i)(?<![a-z0-9])(?:s\d{1,4}[ ._-]?e(?P<first>\d{1,4})|\d{1,3}x(?P<second>\d{1,4}))(?!\d)"
)
_TAGS = re.compile(r"\s*[\[{(][^\[\]{}()]*[\]})]\s*$")
_DIGITS = re.compile(r"\d+")
_LONGEST = 150
"""Characters of a key; longer ones are shortened by a digest."""


@dataclass(frozen=True, slots=True)
class Named:
    """title: as it is shown."""

    title: str
    year: int | None = None
    ids: Mapping[str, str] = field(default_factory=dict)


def named(folder: str) -> Named:
    """What the folder's name says."""
    ids = {provider.lower(): value for provider, value in _IDS.findall(folder)}
    bare = _IDS.sub("", folder).strip()
    found = _YEAR.match(bare)
    if found is None:
        return Named(bare or folder, None, ids)
    return Named(found["title"].strip(), int(found["year"]), ids)


def season_number(name: str) -> int | None:
    """The number in "Season 1"; 0 for specials; None where there is none."""
    found = _DIGITS.search(name)
    if found is not None:
        return int(found[0])
    return 0 if "special" in name.casefold() else None


def episode_number(name: str) -> int | None:
    """The number in "S01E02" or "1x02"."""
    found = _NUMBERED.search(name)
    return int(found["first"] or found["second"]) if found else None


def episode_title(file: str) -> str | None:
    """What stands behind the number in the name of a file: "Show - S01E02 - The Title.mkv" → "The Title"."""
    stem = file.rpartition(".")[0] or file
    found = _NUMBERED.search(stem)
    rest = _TAGS.sub("", stem[found.end() :]).strip(" -_.") if found else ""
    return rest if any(one.isalpha() for one in rest) else None


def key(kind: str, *folders: str) -> str:
    """A record's key: stays the same as long as the folders are called so. Slashes in names cannot be mistaken."""
    whole = "/".join([kind, *(quote(one, safe=" ()[]{}'!,&.-_+") for one in folders)])
    if len(whole) <= _LONGEST:
        return whole
    digest = hashlib.blake2b(whole.encode(), digest_size=12).hexdigest()
    return f"{whole[: _LONGEST - 25]}~{digest}"
