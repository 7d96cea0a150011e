"""How busy the machine and this process are, as far as the system says so."""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class MachineLoad:
    """cpus: that this process may use. load: average number of tasks that run or wait, over 1, 5 and 15 minutes. Memory in bytes;
    memory_available: what programs could still have. Of this process: cpu_seconds it used, its memory (the most it ever had, where
    the system does not say what it has now), threads. None where the system does not tell."""

    cpus: int
    load: tuple[float, float, float] | None
    memory_total: int | None
    memory_available: int | None
    process_id: int
    process_cpu_seconds: float
    process_memory: int
    process_threads: int


def machine_load(proc: Path = _PROC) -> MachineLoad:
    """Costs a few microseconds: nothing is measured over a time."""
    memory = _memory(proc / "meminfo")
    try:
        load: tuple[float, float, float] | None = os.getloadavg()
    except OSError:
        load = None
    return MachineLoad(
        cpus=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        load=load,
        memory_total=memory.get("MemTotal"),
        memory_available=memory.get("MemAvailable"),
        process_id=os.getpid(),
        process_cpu_seconds=round(time.process_time(), 2),
        process_memory=_resident(proc / "self" / "statm"),
        process_threads=threading.active_count(),
    )


def _memory(path: Path) -> dict[str, int]:
    try:
        lines = path.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    found = {}
    for line in lines:
        name, _, rest = line.partition(":")
        amount = rest.split()
        if amount and amount[0].isdecimal():
            found[name] = int(amount[0]) * 1024
    return found


def _resident(path: Path) -> int:
    try:
        return int(path.read_text("ascii").split()[1]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
