"""A distribution as an installer leaves it: modules and metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from medianest_core.host.states import PluginState


@dataclass(frozen=True)
class Broken:
    """source: of its one module, or with `package` of its package. state, reason: how it must end, and a part of why.

    files: further ones, by path; of a package inside it. plugin: name of its entry point; default: its own. group: of the entry point. requires: as in its metadata.
    """

    name: str
    source: str
    state: PluginState
    reason: str
    files: Mapping[str, str] = field(default_factory=dict)
    plugin: str = ""
    group: str = "medianest.plugins.v1"
    requires: str = "medianest>=0.1,<1"
    package: bool = False

    @property
    def module(self) -> str:
        return f"broken_{self.name}"

    def install(self, site: Path) -> None:
        """Write it into a folder of `sys.path`."""
        home = site / self.module if self.package else site
        main = "__init__.py" if self.package else f"{self.module}.py"
        for path, text in {main: self.source, **self.files}.items():
            target = home / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        info = site / f"broken_{self.name}-1.0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: broken-{self.name}\nVersion: 1.0\nRequires-Dist: {self.requires}\n"
        )
        (info / "entry_points.txt").write_text(
            f"[{self.group}]\n{self.plugin or self.name} = {self.module}\n"
        )
