"""View-models of what an admin learns and does about plugins that misbehave."""

from __future__ import annotations

from dataclasses import dataclass

from .forms import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """Something that a running plugin did wrong; it was contained. process: where, empty for the one that answers."""

    where: str
    text: str
    at: float
    count: int = 1
    trace: str = ""
    process: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeMode:
    """The way into safe mode and out of it. fixed: the portal was started so and stays so. password: where one is asked for."""

    on: bool
    path: str
    fixed: bool = False
    password: Field | None = None
    error: str = ""
