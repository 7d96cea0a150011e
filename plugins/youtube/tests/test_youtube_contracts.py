"""The plugin keeps the contract of status providers; downloads have a file of their own, because they take minutes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from medianest_core.testing.contracts import StatusContract
from medianest_youtube.health import YoutubeStatus
from medianest_youtube.simulator import VideoSiteSimulator


class TestStatus(StatusContract):
    provider = YoutubeStatus
    simulator = VideoSiteSimulator
    options: ClassVar[Mapping[str, Any]] = {"items": 20, "bytes_per_second": 0}
    fails = False
