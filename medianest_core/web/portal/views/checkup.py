"""View-models of admin → check-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from medianest_core.web.portal.views.common import Action

Tone = Literal["success", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """title: what was looked at. remedy: what to do, "" where nothing needs doing."""

    title: str
    text: str
    remedy: str
    tone: Tone
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckupView:
    """`core/admin/checkup.html`. checked_at: epoch seconds, None before the first check-up."""

    run: Action
    command: str = "medianest doctor"
    verdict: str = ""
    tone: Tone = "success"
    checked_at: float | None = None
    todo: tuple[FindingRow, ...] = ()
    fine: tuple[FindingRow, ...] = ()
