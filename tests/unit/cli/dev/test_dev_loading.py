"""What is imported before the next process of `medianest dev` begins: what is installed, and nothing that may be edited."""

from __future__ import annotations

import socket
import sys
import sysconfig
from pathlib import Path

import pytest

from medianest_core.base.settings import AppSettings
from medianest_core.cli.dev.command import _Workshop
from medianest_core.cli.dev.projects import Project
from medianest_core.cli.dev.serving import Plan

STANDARD = Path(sysconfig.get_path("stdlib"))


def test_only_what_is_installed_is_loaded_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loaded_too_soon.py").write_text("raise SystemExit\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    monkeypatch.delitem(sys.modules, "tabnanny", raising=False)
    plan = Plan(AppSettings(data_dir=tmp_path, _env_file=None), tmp_path, [])
    plan.modules.write_text(
        f"loaded_too_soon\t{tmp_path}/loaded_too_soon.py\n"
        f"colorsys\t{STANDARD}/colorsys.py\n"
        f"tabnanny\t{STANDARD}/tabnanny.py\n"
        f"gone_since\t{STANDARD}/gone_since.py\n"
    )
    author = Project(tmp_path, "tabnanny", groups={"medianest.plugins.v1": {"tabnanny": "tabnanny"}})
    with socket.socket() as bound:
        _Workshop([tmp_path], [author], plan, bound, [], 0)._load_ahead()
    assert "colorsys" in sys.modules
    # The author's own, though a module of that name is installed as well.
    assert not {"tabnanny", "loaded_too_soon", "gone_since"} & set(sys.modules)
    assert not plan.modules.exists()
