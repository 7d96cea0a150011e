"""How people arranged the cards of their home page; who did not has no row."""

from sqlalchemy import Column, ForeignKey, Integer, Table

from medianest_core.store.tables.base import metadata
from medianest_core.store.types import Id, Json, Seconds

home_cards = Table(
    "home_cards",
    metadata,
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    # Ids of cards, in the person's order; cards that came later follow in their own.
    Column("order", Json, nullable=False),
    Column("hidden", Json, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", Seconds, nullable=False),
)
