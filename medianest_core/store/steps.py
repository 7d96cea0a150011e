"""Where the revisions of a plugin's tables are, also of one whose migrations are functions of its own module.

Of such functions small files are made, each calling one of them, so that a start, a backup and a check meet revisions of one kind. A file
says where its function stands: backups make tables in a process that has not loaded the plugin.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from medianest_core.sdk.storage import TableSet

_REVISION = '''"""{function}"""
revision = "{revision}"
down_revision = {before}
branch_labels = None
depends_on = None


def upgrade() -> None:
    from alembic import op
    from medianest_core.store.steps import function_of

    function_of({module!r}, {file!r}, {function!r})(op)


def downgrade() -> None:
    raise NotImplementedError("{function} has no way back")
'''
_home: TemporaryDirectory[str] | None = None


def revision_folders(tables: TableSet) -> list[Path]:
    """Folders with the Alembic revisions of these tables, for as long as this process runs. Raises what an import may raise."""
    if isinstance(tables.migrations, str):
        package = importlib.import_module(tables.migrations)
        return [Path(folder) / "versions" for folder in package.__path__]
    first = tables.migrations[0]
    file = Path(sys.modules[first.__module__].__file__ or "").absolute()
    status = file.stat()
    names = [step.__name__ for step in tables.migrations]
    # A folder for each edit of the file: what was learnt of a folder is kept by some.
    text = "\n".join((first.__module__, str(file), str(status.st_mtime_ns), str(status.st_size), *names))
    folder = _own_home() / hashlib.sha256(text.encode()).hexdigest()[:20] / "versions"
    folder.mkdir(parents=True, exist_ok=True)
    before = "None"
    for number, name in enumerate(names, 1):
        revision = f"{number:04}"
        made = _REVISION.format(
            function=name, revision=revision, before=before, module=first.__module__, file=str(file)
        )
        (folder / f"{revision}.py").write_text(made, "utf-8")
        before = f'"{revision}"'
    return [folder]


def function_of(module: str, file: str, name: str) -> Callable[[Any], None]:
    """The function of that name, of the module as it is loaded here; else of what the file says now."""
    found = sys.modules.get(module)
    if found is None:
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name not in (module, module.partition(".")[0]):
                raise
            # A plugin of one file: nothing here knows its folder, and nothing shall be compiled into it.
            found = sys.modules[module] = ModuleType(module)
            found.__file__ = file
            exec(compile(Path(file).read_bytes(), file, "exec"), found.__dict__)  # noqa: S102  # an import, from a place of its own
    step: Callable[[Any], None] = getattr(found, name)
    return step


def tidy() -> None:
    """Remove the files that this process made; for those that end without the interpreter's farewell."""
    global _home
    if _home is not None and Path(_home.name).name.endswith(f"-{os.getpid()}"):
        _home.cleanup()
    _home = None


def _own_home() -> Path:
    global _home
    if _home is None or not Path(_home.name).name.endswith(f"-{os.getpid()}"):
        _home = TemporaryDirectory(prefix="medianest-steps-", suffix=f"-{os.getpid()}")
    return Path(_home.name)
