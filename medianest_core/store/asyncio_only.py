"""SQLAlchemy's asyncio engine without its object mapper, which we do not use: a twentieth of a start, and some memory.

`sqlalchemy.ext.asyncio` imports its sessions, and with them all of `sqlalchemy.orm`, for whoever wants its engine. Imported before
it, this puts a package of the same name and place there whose names are looked up in its modules when they are asked for; whoever
wants a session still finds it.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

__all__ = ["AsyncConnection", "AsyncEngine", "create_async_engine"]
PACKAGE = "sqlalchemy.ext.asyncio"
_PARTS = ("engine", "result", "scoping", "session")


def lazily(package: str, parts: tuple[str, ...]) -> ModuleType:
    """The package without having run its own `__init__`; what that would have imported is found in these modules of it."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(package)
    made = importlib.util.module_from_spec(spec)

    def look(name: str) -> Any:
        if not name.startswith("__"):
            if importlib.util.find_spec(f"{package}.{name}") is not None:
                return importlib.import_module(f"{package}.{name}")
            for part in parts:
                module = importlib.import_module(f"{package}.{part}")
                if hasattr(module, name):
                    setattr(made, name, found := getattr(module, name))
                    return found
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    made.__dict__["__getattr__"] = look
    return made


if PACKAGE not in sys.modules:
    sys.modules[PACKAGE] = lazily(PACKAGE, _PARTS)

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine  # noqa: E402  # only now
