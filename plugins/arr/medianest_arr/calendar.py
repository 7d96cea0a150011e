"""What Radarr and Sonarr contribute to the portal's calendar."""

from __future__ import annotations

from collections.abc import Sequence

from medianest_arr.agenda import episodes, films
from medianest_core.sdk import CalendarSource

SOURCES: Sequence[CalendarSource] = (
    CalendarSource("films", "radarr", films),
    CalendarSource("episodes", "sonarr", episodes),
)
