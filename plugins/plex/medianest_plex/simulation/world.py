"""Everything the routes of one simulated Plex share."""

from __future__ import annotations

import gc
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from medianest_core.testing.ledger import Ledger
from medianest_plex.simulation.accounts import Accounts
from medianest_plex.simulation.catalog import fill
from medianest_plex.simulation.entries import json_parts
from medianest_plex.simulation.events import Events
from medianest_plex.simulation.library import Library
from medianest_plex.simulation.options import Options
from medianest_plex.simulation.pins import Pins
from medianest_plex.simulation.query import Listings
from medianest_plex.simulation.watchlists import Watchlists
from medianest_plex.simulation.webhooks import Webhooks

SERVER_NAME = "Living Room"
VERSION = "1.42.2.10156-f737b826c"


@dataclass
class World:
    """One plex.tv with one Plex Media Server."""

    seed: int
    items: int
    data_dir: Path
    options: Options
    ledger: Ledger
    base_url: str = ""
    library: Library = field(default_factory=Library)
    requests: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=5000))

    def __post_init__(self) -> None:
        self.accounts = Accounts(self.seed)
        self.pins = Pins(self.accounts, self.options)
        self.listings = Listings(self.library)
        self.events = Events()
        self.webhooks = Webhooks(self)
        self.watchlists = Watchlists()

    def populate(self, items: int | None = None) -> None:
        """Replace the library by one of `items` titles and encode its list entries, so that pages are only joined."""
        library = Library()
        self.items = self.items if items is None else items
        # Millions of small objects that all stay: collecting garbage meanwhile would double the time.
        gc.disable()
        try:
            fill(library, self.items, self.seed, self.options.library_dir)
            for section in library.sections.values():
                for key in section.keys:
                    json_parts(library.items[key], library)
        finally:
            gc.enable()
        self.library = library
        self.listings = Listings(library)
