"""Which tables keep the schema version of a plugin."""

from __future__ import annotations

from medianest_core.store.backup.shape import plugin_of_versions, version_table
from medianest_core.store.tables.all import core_metadata


def test_a_table_of_the_core_is_never_taken_for_the_versions_of_a_plugin() -> None:
    assert [name for name in core_metadata().tables if plugin_of_versions(name) is not None] == []


def test_version_tables_are_known_by_their_names() -> None:
    assert plugin_of_versions(version_table("")) == ""
    assert plugin_of_versions(version_table("links")) == "links"
    assert plugin_of_versions("titles") is None
