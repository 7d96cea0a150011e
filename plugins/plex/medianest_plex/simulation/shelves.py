"""Collections that a household might have made, for a library that looks lived in."""

from __future__ import annotations

from collections.abc import Callable

from medianest_plex.simulation.catalog import MOVIES, SHOWS, sort_title
from medianest_plex.simulation.library import Item, Library

SHELVES: tuple[tuple[str, int, str, Callable[[Item], bool]], ...] = (
    (
        "Late-night science fiction",
        MOVIES,
        "Best with the lights off.",
        lambda item: "Science Fiction" in item.genres,
    ),
    ("Sunday afternoon", MOVIES, "Nothing too loud.", lambda item: "Comedy" in item.genres),
    ("Our favourites", MOVIES, "Seen at least twice.", lambda item: (item.audience_rating or 0) >= 8.4),
    (
        "In 4K",
        MOVIES,
        "For the big screen.",
        lambda item: item.shape is not None and item.shape.resolution == "4k",
    ),
    ("Crime on the sofa", SHOWS, "One more episode.", lambda item: "Crime" in item.genres),
)
MOST = 24


def add_shelves(library: Library, now: int) -> None:
    """Make the collections; one without a fitting title is left out."""
    for title, section, summary, fits in SHELVES:
        members = [key for key in library.sections[section].keys if fits(library.items[key])][:MOST]
        if not members:
            continue
        item = Item(
            key=library.take_keys(),
            type="collection",
            section=section,
            title=title,
            title_sort=sort_title(title),
            summary=summary,
            added_at=now,
            updated_at=now,
            subtype="movie" if section == MOVIES else "show",
        )
        library.add(item)
        library.children[item.key] = members
