"""Migrations that are functions of a plugin's module: revisions like any others, also for a process that never loaded the module."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import create_engine, inspect

from medianest_core.sdk.storage import TableSet
from medianest_core.store.backup.migrating import Step, known, migrate
from medianest_core.store.migrate import newest
from medianest_core.store.rehearse import rehearse
from medianest_core.store.steps import revision_folders, tidy

SOURCE = """
from sqlalchemy import Column, Integer, MetaData, String, Table
from medianest_core.sdk.storage import TableSet

metadata = MetaData()
Table("{name}_rows", metadata, Column("id", Integer, primary_key=True), Column("word", String(9)))

def rows(op):
    op.create_table("{name}_rows", Column("id", Integer, primary_key=True))

def words(op):
    op.add_column("{name}_rows", Column("word", String(9)))

TABLES = TableSet(metadata, [rows, words])
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    name = f"stepping_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(SOURCE.format(name="toy"))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module(name)
    sys.modules.pop(name, None)


def columns(path: Path) -> list[str]:
    engine = create_engine(f"sqlite:///{path}")
    try:
        return [str(one["name"]) for one in inspect(engine).get_columns("toy_rows")]
    finally:
        engine.dispose()


def test_they_are_revisions_one_after_the_other(module: ModuleType) -> None:
    (folder,) = revision_folders(module.TABLES)
    assert newest([folder]) == {"0002"}
    assert known([str(folder)]) == {"0001", "0002"}
    assert rehearse("toy", module.TABLES) == []


def test_what_they_do_wrong_is_told(module: ModuleType) -> None:
    (told,) = rehearse("toy", TableSet(module.metadata, [module.rows]))
    assert "add column toy_rows word" in told
    (told,) = rehearse("toy", TableSet(module.metadata, [module.words, module.rows]))
    assert told.startswith("Upgrade failed: ") and "no such table" in told


@pytest.mark.full
def test_another_process_makes_the_tables_of_an_earlier_version(module: ModuleType, tmp_path: Path) -> None:
    folders = [str(folder) for folder in revision_folders(module.TABLES)]
    migrate(tmp_path / "early.db", [Step("toy", folders, ["0001"])])
    assert columns(tmp_path / "early.db") == ["id"]
    migrate(tmp_path / "early.db", [Step("toy", folders)])
    assert columns(tmp_path / "early.db") == ["id", "word"]


def test_another_process_reads_a_file_that_nothing_there_can_import(tmp_path: Path) -> None:
    file = tmp_path / "hidden" / "toy.py"
    file.parent.mkdir()
    file.write_text(SOURCE.format(name="toy"))
    called = (
        "from medianest_core.store.steps import function_of\n"
        f"print(function_of('nowhere_x.toy', {str(file)!r}, 'words').__code__.co_filename)"
    )
    done = subprocess.run([sys.executable, "-c", called], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(file)
    assert [one.name for one in file.parent.iterdir()] == ["toy.py"], "nothing is compiled to disk"


def test_an_edited_file_has_a_folder_of_its_own_and_none_is_left_behind(module: ModuleType) -> None:
    (before,) = revision_folders(module.TABLES)
    assert revision_folders(module.TABLES) == [before]
    file = Path(str(module.__file__))
    file.write_text(file.read_text() + "# edited\n")
    (after,) = revision_folders(module.TABLES)
    assert after != before
    tidy()
    assert not before.exists() and not after.exists()
