"""Brings a SQLite file to given revisions, in a process of its own: `python -m medianest_core.store.backup.migrating`.

Alembic keeps what it works on in module globals; here it can get in nobody's way, and nobody's loop waits for it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from medianest_core.base.logging import get_logger
from medianest_core.base.texts import N_
from medianest_core.store.backup.errors import CannotRestore
from medianest_core.store.backup.shape import version_table
from medianest_core.store.migrate import REVISION

_log = get_logger(__name__)
_ENVIRONMENT = Path(__file__).parents[1] / "migrations"
_PATIENCE = 600.0
CORE = (str(_ENVIRONMENT / "versions"),)
"""Folders of the core's revisions."""


@dataclass(frozen=True, slots=True)
class Step:
    """plugin: "" is the core. folders: of its revisions. revisions: to reach; empty for the newest."""

    plugin: str
    folders: Sequence[str]
    revisions: Sequence[str] = ()


_made: dict[tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...], bytes] = {}
"""Databases without rows that were made in this process, by what was asked for: the same one is asked for each day."""


def create(path: Path, steps: Sequence[Step]) -> None:
    """A new database at `path` with the tables of these steps. Raises CannotRestore. Blocking: use it in a thread."""
    key = tuple((step.plugin, tuple(step.folders), tuple(step.revisions)) for step in steps)
    if key not in _made:
        migrate(path, steps)
        _made[key] = path.read_bytes()
    else:
        path.write_bytes(_made[key])


def migrate(path: Path, steps: Sequence[Step]) -> None:
    """Do the steps in their order. Raises CannotRestore. Blocking: use it in a thread."""
    order = {
        "path": str(path),
        "steps": [asdict(step) for step in steps],
        "sys_path": [entry for entry in sys.path if entry],
    }
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(order).encode(),
        capture_output=True,
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode:
        _log.error("a migration failed", output=done.stderr.decode(errors="replace")[-4000:])
        raise CannotRestore(N_("The tables of the archive could not be made; the log says more."))


def known(folders: Sequence[str]) -> set[str]:
    """All revisions in these folders."""
    files = [path for folder in folders for path in Path(folder).glob("*.py") if path.name != "__init__.py"]
    found = [REVISION.search(path.read_text(encoding="utf-8")) for path in files]
    if all(found):
        return {match[1] for match in found if match is not None}
    from alembic.script import ScriptDirectory

    return {one.revision for one in ScriptDirectory.from_config(_config("", folders)).walk_revisions()}


def _config(table: str, folders: Sequence[str]) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT))
    config.set_main_option("version_locations", "\n".join(folders))
    config.set_main_option("path_separator", "newline")
    config.attributes["version_table"] = table
    config.attributes["metadata"] = None
    return config


def _do(order: Mapping[str, Any]) -> None:
    from alembic import command

    engine = create_engine(f"sqlite:///{order['path']}")
    for step in order["steps"]:
        config = _config(version_table(step["plugin"]), step["folders"])
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            for revision in step["revisions"] or ["heads"]:
                command.upgrade(config, revision)
    engine.dispose()


if __name__ == "__main__":
    given = json.load(sys.stdin)
    sys.path[:0] = [entry for entry in given["sys_path"] if entry not in sys.path]
    _do(given)
