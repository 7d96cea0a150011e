"""A plugin's migrations are tried up, down and up, and held against its tables."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table

from medianest_core.sdk.storage import TableSet, core_stub, user_fk
from medianest_core.store.rehearse import rehearse

REVISION = """
import sqlalchemy as sa
from alembic import op
revision = "1"
down_revision = None
def upgrade():
    op.create_table("toy_rows", sa.Column("id", sa.Integer, primary_key=True), {columns}
        sa.Column("user_id", sa.String(36), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True))
def downgrade():
    {down}
"""


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TableSet]:
    package = f"rehearsed_{tmp_path.name.replace('-', '_')}"
    (tmp_path / package / "versions").mkdir(parents=True)
    (tmp_path / package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    metadata = MetaData()
    core_stub(metadata)
    Table("toy_rows", metadata, Column("id", Integer, primary_key=True), Column("name", String(9)), user_fk())
    yield TableSet(metadata, package)
    sys.modules.pop(package, None)


def write(tables: TableSet, tmp_path: Path, columns: str, down: str) -> None:
    text = REVISION.format(columns=columns, down=down)
    assert isinstance(tables.migrations, str)
    (tmp_path / tables.migrations / "versions" / "one.py").write_text(text)


def test_sound_ones_have_nothing_to_tell(tables: TableSet, tmp_path: Path) -> None:
    write(tables, tmp_path, 'sa.Column("name", sa.String(9)),', 'op.drop_table("toy_rows")')
    assert rehearse("toy", tables) == []


def test_what_differs_is_told(tables: TableSet, tmp_path: Path) -> None:
    write(tables, tmp_path, "", 'op.drop_table("toy_rows")')
    (told,) = rehearse("toy", tables)
    assert "add column toy_rows name" in told


def test_a_way_down_that_leaves_something_is_told(tables: TableSet, tmp_path: Path) -> None:
    write(tables, tmp_path, 'sa.Column("name", sa.String(9)),', "pass")
    assert rehearse("toy", tables) == ["Downgrade leaves tables behind: toy_rows."]


def test_what_they_raise_is_told(tables: TableSet, tmp_path: Path) -> None:
    write(tables, tmp_path, "", "raise RuntimeError('one way')")
    assert rehearse("toy", tables) == ["Downgrade failed: RuntimeError: one way"]


def test_no_or_two_newest_revisions_are_told(tables: TableSet) -> None:
    assert rehearse("toy", tables) == ["It has 0 newest revisions instead of one."]
