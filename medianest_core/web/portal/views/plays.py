"""What the title page says of whether this browser can play the title."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaysPart:
    """One thing the browser must be able to do, and the sentence for where it cannot. `question`: JSON that the page's script asks
    the browser; empty where no browser can."""

    name: str
    text: str
    fine: bool
    question: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaysView:
    """`core/macros/plays.html`. Without a script it is judged by the browser's name; a script asks the browser itself."""

    verdict: Literal["plays", "maybe", "fails"]
    parts: tuple[PlaysPart, ...] = ()
    advice: str = ""
