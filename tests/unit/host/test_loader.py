"""Loading in this process: what a plugin does at import ends in an outcome for it alone, within the shared deadline."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from medianest_core.host.discovery import Found
from medianest_core.host.loader import TookTooLong, load


def plugin(folder: Path, name: str, source: str) -> Found:
    module = f"mn_loader_{name}_{folder.name.replace('-', '_')}"
    (folder / f"{module}.py").write_text(source)
    return Found(name, module, name, "1", 1, False, "")


async def test_each_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins = [
        plugin(tmp_path, "good", "value = 1"),
        plugin(tmp_path, "asserts", "assert False, 'no'"),
        plugin(tmp_path, "exits", "raise SystemExit(2)"),
        plugin(tmp_path, "hangs", "import threading\nthreading.Event().wait()"),
        plugin(tmp_path, "interrupts", "raise KeyboardInterrupt"),
        plugin(tmp_path, "last", "value = 2"),
    ]
    begun: list[str] = []

    def work(found: Found, module: ModuleType) -> int:
        if found.name == "good":
            raise ValueError("at work")
        value: int = module.value
        return value

    outcomes = load(plugins, work, deadline=10.0, before=lambda found: begun.append(found.name))
    errors = {one.found.name: type(one.error) for one in outcomes}
    assert errors == {
        "good": ValueError,
        "asserts": AssertionError,
        "exits": SystemExit,
        "hangs": TookTooLong,
        "interrupts": KeyboardInterrupt,
        "last": type(None),
    }
    assert outcomes[-1].value == 2
    assert "at work" in outcomes[0].trace
    assert begun == [found.name for found in plugins]


def test_an_entry_point_must_name_a_module(tmp_path: Path) -> None:
    (outcome,) = load([Found("x", "pathlib:Path", "x", "1", 1, False, "")], lambda found, module: None)
    assert isinstance(outcome.error, TypeError) and "must name one" in str(outcome.error)
