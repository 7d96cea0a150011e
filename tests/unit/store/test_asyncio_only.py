from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

from medianest_core.store.asyncio_only import PACKAGE, lazily

_LOOK = """
import medianest_core.store.engine, sys
print("sqlalchemy.orm" in sys.modules, "rich" in sys.modules)
from sqlalchemy.ext.asyncio import AsyncSession
print(AsyncSession.__module__, "sqlalchemy.orm" in sys.modules)
"""


def test_the_engine_comes_without_the_object_mapper_which_is_still_to_be_had() -> None:
    told = subprocess.run([sys.executable, "-c", _LOOK], capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == ["False False", "sqlalchemy.ext.asyncio.session True"]


def test_every_name_of_the_package_is_found() -> None:
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None and spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    made = lazily(PACKAGE, ("engine", "result", "scoping", "session"))
    names = [
        (node.module, alias.name)
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert len(names) > 10
    for module, name in names:
        home = importlib.import_module(f"{PACKAGE}.{module}")
        assert getattr(made, name) is getattr(home, name)
    assert not hasattr(made, "no_such_name")
