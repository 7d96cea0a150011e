"""What a client may filter and sort a library by: the Meta block of a listing."""

from __future__ import annotations

from medianest_plex.simulation.library import TYPE_NUMBERS

_OPERATORS = {
    "integer": (("=", "is"), ("!=", "is not"), (">>=", "is greater than"), ("<<=", "is less than")),
    "string": (
        ("=", "contains"),
        ("!=", "does not contain"),
        ("==", "is"),
        ("!==", "is not"),
        ("<=", "begins with"),
        (">=", "ends with"),
    ),
    "date": (("<<=", "is before"), (">>=", "is after")),
    "tag": (("=", "is"), ("!=", "is not")),
    "boolean": (("=", "is true"), ("!=", "is false")),
}
_FIELDS = (
    ("title", "string", "Title"),
    ("year", "integer", "Year"),
    ("genre", "tag", "Genre"),
    ("contentRating", "tag", "Content Rating"),
    ("studio", "tag", "Studio"),
    ("director", "tag", "Director"),
    ("writer", "tag", "Writer"),
    ("actor", "tag", "Actor"),
    ("country", "tag", "Country"),
    ("resolution", "tag", "Resolution"),
    ("rating", "integer", "Critic Rating"),
    ("audienceRating", "integer", "Audience Rating"),
    ("duration", "integer", "Duration"),
    ("addedAt", "date", "Date Added"),
    ("updatedAt", "date", "Date Updated"),
    ("lastViewedAt", "date", "Last Played"),
    ("viewCount", "integer", "Plays"),
    ("unwatched", "boolean", "Unplayed"),
)
_SORTS = (
    ("titleSort", "asc", "Title"),
    ("year", "desc", "Year"),
    ("originallyAvailableAt", "desc", "Release Date"),
    ("rating", "desc", "Critic Rating"),
    ("audienceRating", "desc", "Audience Rating"),
    ("duration", "desc", "Duration"),
    ("addedAt", "desc", "Date Added"),
    ("lastViewedAt", "desc", "Date Viewed"),
)
_BELOW = {"movie": ("movie", "collection"), "show": ("show", "season", "episode", "collection")}


def meta(section: int, section_type: str, active: str) -> dict[str, object]:
    """The Meta object of one section; `active` is the type listed now."""
    return {
        "Type": [_type(section, kind, active) for kind in _BELOW[section_type]],
        "FieldType": [
            {"type": name, "Operator": [{"key": key, "title": title} for key, title in operators]}
            for name, operators in _OPERATORS.items()
        ],
    }


def sorts() -> list[dict[str, object]]:
    """The ways to order a listing."""
    return [
        {
            "default": "asc" if key == "titleSort" else None,
            "defaultDirection": way,
            "descKey": f"{key}:desc",
            "key": key,
            "title": title,
        }
        for key, way, title in _SORTS
    ]


def filters(section: int, kind: str) -> list[dict[str, object]]:
    """The fields with a list of choices, and where to read those."""
    return [
        {
            "filter": field,
            "filterType": "string" if value == "tag" else value,
            "key": f"/library/sections/{section}/{field}",
            "title": title,
            "type": "filter",
        }
        for field, value, title in _FIELDS
        if value in ("tag", "boolean")
    ]


def _type(section: int, kind: str, active: str) -> dict[str, object]:
    number = TYPE_NUMBERS[kind]
    return {
        "key": f"/library/sections/{section}/all?type={number}",
        "type": kind,
        "title": f"{kind.capitalize()}s",
        "active": kind == active,
        "Filter": filters(section, kind),
        "Sort": sorts(),
        "Field": [
            {"key": f"{kind}.{field}", "title": title, "type": value} for field, value, title in _FIELDS
        ],
    }
