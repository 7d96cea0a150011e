"""Progress of running items in this process: the latest word on each, and on each download as a whole."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from medianest_core.base.texts import N_
from medianest_core.bus.events import DownloadProgress
from medianest_core.bus.outbox import EventBus
from medianest_core.domain.downloads.entries import Progress
from medianest_core.sdk.downloads import ProgressSink
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.events import Audience

EVERY = 0.25
_LOOK_AT_DISK = 2.0


class DiskFull(MediaNestError):
    """The disk is nearly full; the item goes on once there is room."""


@dataclass(slots=True)
class Whole:
    """One download. done_items, done_bytes: finished before and since. total_items: all that can be had."""

    total_items: int
    done_items: int
    done_bytes: int
    running: dict[str, Progress] = field(default_factory=dict)

    def progress(self) -> Progress:
        parts = list(self.running.values())
        fraction = None
        if self.total_items:
            fraction = min(
                1.0, (self.done_items + sum(one.fraction or 0.0 for one in parts)) / self.total_items
            )
        speeds = [one.speed for one in parts if one.speed]
        speed = sum(speeds) if speeds else None
        done = self.done_bytes + sum(one.done or 0 for one in parts)
        total = self._expected(parts)
        eta = (total - done) / speed if speed and total is not None and total >= done else None
        return Progress(fraction, done, total, speed, eta, "downloading" if parts else "")

    def _expected(self, parts: list[Progress]) -> int | None:
        """Bytes in all, where the items seen so far let it be guessed."""
        known = [one.total for one in parts if one.total]
        counted = len(known) + self.done_items
        if not counted or len(known) < len(parts):
            return None
        seen = sum(known) + self.done_bytes
        return round(seen + max(0, self.total_items - counted) * seen / counted)


class Meter:
    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._wholes: dict[str, Whole] = {}

    def begin(
        self, download_id: str, item_id: str, *, total_items: int, done_items: int, done_bytes: int
    ) -> None:
        """An item starts; the numbers are of its download as the database has them."""
        whole = self._wholes.setdefault(download_id, Whole(total_items, done_items, done_bytes))
        whole.total_items, whole.done_items, whole.done_bytes = total_items, done_items, done_bytes
        whole.running[item_id] = Progress(stage="starting")

    def end(self, download_id: str, item_id: str) -> None:
        whole = self._wholes.get(download_id)
        if whole is not None:
            whole.running.pop(item_id, None)
            if not whole.running:
                del self._wholes[download_id]

    def finished(self, download_id: str, item_id: str, size: int) -> None:
        whole = self._wholes.get(download_id)
        if whole is not None and item_id in whole.running:
            del whole.running[item_id]
            whole.done_items += 1
            whole.done_bytes += size

    def item(self, download_id: str, item_id: str) -> Progress | None:
        whole = self._wholes.get(download_id)
        return whole.running.get(item_id) if whole is not None else None

    def whole(self, download_id: str) -> Progress | None:
        whole = self._wholes.get(download_id)
        return whole.progress() if whole is not None else None

    async def tell(self, user_id: str, download_id: str, item_id: str, progress: Progress) -> None:
        """Keep and send: the item's progress, then the whole's."""
        whole = self._wholes.get(download_id)
        if whole is None or item_id not in whole.running:
            return
        before = whole.running[item_id]
        if not progress.done and progress.total is None and before.done:
            # Merging and moving count nothing: what was fetched stays fetched.
            progress = replace(progress, fraction=before.fraction, done=before.done, total=before.total)
        whole.running[item_id] = progress
        audience = Audience.downloads(user_id)
        await self._bus.send(_event(download_id, item_id, progress), audience)
        await self._bus.send(_event(download_id, None, whole.progress()), audience)


def _event(download_id: str, item_id: str | None, progress: Progress) -> DownloadProgress:
    return DownloadProgress(
        download_id=download_id,
        item_id=item_id,
        status=progress.stage or "downloading",
        done_bytes=progress.done,
        total_bytes=progress.total,
        percent=round(progress.fraction * 100, 1) if progress.fraction is not None else None,
        speed=progress.speed,
        eta=round(progress.eta, 1) if progress.eta is not None else None,
    )


class Sink(ProgressSink):
    """What a downloader reports to. full: whether the disk has no room; then the next report raises DiskFull."""

    def __init__(
        self,
        report: Callable[[Progress], Awaitable[None]],
        full: Callable[[], bool],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._report = report
        self._full = full
        self._timer = timer
        self._sent = float("-inf")
        self._looked = timer()
        self._stage = ""
        self.disk_full = False

    async def progress(
        self,
        *,
        stage: str,
        downloaded: int,
        total: int | None = None,
        speed: float | None = None,
        eta: float | None = None,
    ) -> None:
        now = self._timer()
        if now - self._looked >= _LOOK_AT_DISK:
            self._looked = now
            if self._full():
                self.disk_full = True
                raise DiskFull(N_("The disk is nearly full."))
        if now - self._sent < EVERY and stage == self._stage:
            return
        self._sent, self._stage = now, stage
        fraction = min(1.0, downloaded / total) if total else None
        await self._report(Progress(fraction, downloaded, total, speed, eta, stage))
