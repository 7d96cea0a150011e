"""What the plugin brings."""

from __future__ import annotations

from medianest_core.sdk import Contributions, Event, Listener, Manifest, hookimpl
from medianest_logbook import book, commands, pages, tables

manifest = Manifest(
    "logbook",
    title="Logbook",
    api="1.0",
    description="Writes down what happens in the portal, and shows it to admins.",
    icon="book-open",
)


@hookimpl
def register_contributions() -> Contributions:
    return [
        tables.TABLES,
        # `Event` itself: all of them. A class of one's own would hear that one alone.
        Listener(Event, book.note),
        pages.PAGE,
        pages.ENTRY,
        *commands.COMMANDS,
    ]
