"""The table of links."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, String, Table

metadata = MetaData()
links = Table(
    "links_links",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("title", String(80), nullable=False),
    Column("url", String(2000), nullable=False),
    Column("icon", String(40), nullable=False),
    # "group" is a word of SQL.
    Column("section", String(40), nullable=False),
    Column("role", String(40), nullable=False),
    Column("position", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
