"""What the plugin remembers: how far it counted, in a small file of its own folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Count:
    """number: where the last count stands. runs: how often it reached ten."""

    number: int = 0
    runs: int = 0


def read(folder: Path) -> Count:
    """The stored count; a fresh one where there is none."""
    try:
        return Count(**json.loads((folder / "count.json").read_text("utf-8")))
    except FileNotFoundError:
        return Count()


def write(folder: Path, count: Count) -> None:
    """Replace the file in one step, so that a crash leaves the old one."""
    partial = folder / "count.json.part"
    partial.write_text(json.dumps(asdict(count)), "utf-8")
    partial.replace(folder / "count.json")
