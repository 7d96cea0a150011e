"""Runs every benchmark of this folder, one after the other: `make bench`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = sorted(
    path
    for path in HERE.glob("*.py")
    if path.name not in {"run.py", "load.py", "bare.py", "unlimited.py", "__init__.py"}
)

if __name__ == "__main__":
    codes = []
    for script in SCRIPTS:
        print(f"== {script.stem}", flush=True)
        codes.append(subprocess.call([sys.executable, "-m", f"benchmarks.{script.stem}", *sys.argv[1:]]))
    sys.exit(max(codes, default=0))
