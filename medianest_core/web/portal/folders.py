"""Where a plugin's package keeps its templates and its texts."""

from __future__ import annotations

import importlib
from pathlib import Path

from medianest_core.host import onefile


def template_folders(plugin: str, module: str) -> tuple[Path | None, Path | None]:
    """(templates, locale) of a plugin's package, each None where there is none."""
    if (own := onefile.home_of(module, plugin)) is not None:
        return _folders(own, plugin)
    package = module.partition(".")[0]
    # Those that come with the core are packages inside it.
    file = importlib.import_module(module if package == "medianest_core" else package).__file__
    if file is None:
        return None, None
    return _folders(Path(file).parent, plugin)


def _folders(home: Path, plugin: str) -> tuple[Path | None, Path | None]:
    templates, locale = home / "templates" / plugin, home / "locale"
    return (templates if templates.is_dir() else None), (locale if locale.is_dir() else None)
