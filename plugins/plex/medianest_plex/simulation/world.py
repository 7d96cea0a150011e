"""Everything the routes of one simulated Plex share."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from medianest_core.testing.ledger import Ledger
from medianest_plex.simulation.accounts import Accounts
from medianest_plex.simulation.catalog import fill
from medianest_plex.simulation.events import Events
from medianest_plex.simulation.library import Library
from medianest_plex.simulation.options import Options
from medianest_plex.simulation.pins import Pins
from medianest_plex.simulation.query import Listings
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

    def populate(self, items: int | None = None) -> None:
        """Replace the library by one of `items` titles; long when there are many."""
        library = Library()
        self.items = self.items if items is None else items
        fill(library, self.items, self.seed, self.options.library_dir)
        self.library = library
        self.listings = Listings(library)
