"""The two things a child does with yt-dlp: look behind an address, fetch one item (child side: stdlib and yt-dlp only)."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import yt_dlp
from yt_dlp.postprocessor.common import PostProcessor
from yt_dlp.utils import DownloadCancelled, YoutubeDLError

from medianest_youtube import formats, ytdlp_options
from medianest_youtube.errors import REASONS, Refused, classify
from medianest_youtube.inspection import describe, describe_item, tab_to_expand
from medianest_youtube.nfo import movie_nfo
from medianest_youtube.protocol import ChildJob

PROGRESS_SECONDS = 0.4
_LIFE_SECONDS = 30
_LONGEST_PROCESSING = 4 * 3600
_STAGES = {
    "Merger": "merging",
    "ExtractAudio": "converting",
    "VideoRemuxer": "converting",
    "Metadata": "converting",
}
_MEDIA = frozenset({"mp4", "mkv", "webm", "m4a", "mp3"})
_SUBTITLE = re.compile(r"\.(?P<language>[A-Za-z0-9-]{1,20})\.srt$")
# Small enough to be fetched anew, and written in place: one that was cut off looks whole.
_ASIDE = frozenset({".jpg", ".jpeg", ".png", ".webp", ".avif", ".srt", ".vtt"})
_LEFT_OVER = re.compile(r"\.(part|ytdl|temp)(\b|-)|\.part-Frag\d+")
# Where the site's own words say why an item is not there, the preview still shows the item.
_ITEM_CODES = frozenset(
    {
        "private",
        "removed",
        "live",
        "upcoming",
        "members",
        "age",
        "bot_check",
        "region",
        "unavailable",
        "drm",
        "no_format",
    }
)


def inspect(job: ChildJob, log: object) -> dict[str, Any]:
    """See `inspection` for the result. An item the site refuses to show (private, removed ...) is a result too; raises
    YoutubeDLError for the rest."""
    with yt_dlp.YoutubeDL(ytdlp_options.for_inspection(job, log)) as ydl:
        try:
            info = ydl.extract_info(job.url, download=False)
            if (tab := tab_to_expand(info)) is not None:
                info = ydl.extract_info(tab, download=False)
            result = describe(info, job.playlist_limit)
        except YoutubeDLError as error:
            reason = classify(str(error))
            identifier = _video_id(error)
            if reason.code not in _ITEM_CODES or identifier is None:
                raise
            item = describe_item({"id": identifier, "webpage_url": job.url, "title": identifier})
            item |= {"availability": reason.code, "reason": reason.text, "sizes": {}}
            result = describe({"id": identifier, "webpage_url": job.url, "title": identifier}, 1) | {
                "items": [item]
            }
    return result


def download(job: ChildJob, log: Any, emit: Callable[..., None]) -> dict[str, Any]:
    """Fetch one item into the work folder; the facts of a ``done`` event. A half file there is continued by range, a whole
    one is not fetched again."""
    _remove(Path(job.work), lambda path: path.suffix in _ASIDE)
    for attempt in range(2):
        fetch = _Fetch(job, emit)
        try:
            return fetch.run(log)
        except YoutubeDLError as error:
            # A part that is already whole answers 416 for ever; so does one whose file changed on the site.
            if attempt or not re.search(
                r"HTTP Error 416|Requested Range Not Satisfiable", f"{error} {log.lines}"
            ):
                raise
            _remove(Path(job.work), lambda path: _LEFT_OVER.search(path.name) is not None)
    raise AssertionError("unreachable")


class _Fetch:
    """One run of yt-dlp over one item, with its progress."""

    def __init__(self, job: ChildJob, emit: Callable[..., None]) -> None:
        self.job = job
        self.emit = emit
        self.parts: dict[str, tuple[int, int | None]] = {}
        self.expected: int | None = None
        self.exact = False
        self.begun = False
        self.finishing = False
        self.finished = threading.Event()
        self.last = 0.0
        self.refusal: str | None = None

    def run(self, log: Any) -> dict[str, Any]:
        options = ytdlp_options.for_download(self.job, log)
        options["progress_hooks"] = [self.progress]
        options["postprocessor_hooks"] = [self.processing]
        options["match_filter"] = self.refuse
        with yt_dlp.YoutubeDL(options) as ydl:
            gate = _Gate(self)
            ydl.add_post_processor(gate, when="before_dl")
            try:
                info = ydl.extract_info(self.job.url, download=True)
            except DownloadCancelled as error:
                raise Refused(self.refusal or "failed") from error
            finally:
                self.finished.set()
        return self.finish(info, log)

    def stop(self, code: str) -> NoReturn:
        # yt-dlp makes new exceptions of what it catches here, so the code is kept aside.
        self.refusal = code
        raise DownloadCancelled(REASONS[code].text)

    def refuse(self, info: Mapping[str, Any], *, incomplete: bool = False) -> str | None:
        if info.get("_type") in ("playlist", "multi_video", "url") or incomplete:
            return None
        item = describe_item(info)
        if item["availability"] in ("live", "upcoming"):
            self.stop(item["availability"])
        if self.job.max_seconds and (item["duration"] or 0) > self.job.max_seconds:
            self.stop("too_long")
        return None

    def gate(self, info: Mapping[str, Any]) -> None:
        """The chosen streams are known and nothing has been fetched."""
        chosen = info.get("requested_formats") or [info]
        if any(str(one.get("protocol") or "https") not in ytdlp_options.PROTOCOLS for one in chosen):
            self.stop("not_supported")
        self.begun = True
        self.expected, self.exact = formats.total_bytes(chosen)
        if self.job.max_bytes and self.expected and self.expected > self.job.max_bytes:
            self.stop("too_large")
        item = describe_item(info)
        sides = [side for one in chosen if (side := formats.short_side(one))]
        self.emit("item", item=item, height=max(sides, default=None), bytes=self.expected, exact=self.exact)

    def progress(self, hook: Mapping[str, Any]) -> None:
        if not self.begun:
            # Captions come before the streams and are not what anyone waits for.
            return
        name, done = str(hook.get("filename")), int(hook.get("downloaded_bytes") or 0)
        total = hook.get("total_bytes") or hook.get("total_bytes_estimate")
        if hook.get("status") == "finished":
            done = int(total or done)
        self.parts[name] = (done, int(total) if total else None)
        received = sum(part for part, _ in self.parts.values())
        if self.job.max_bytes and received > self.job.max_bytes:
            self.stop("too_large")
        now = time.monotonic()
        if now - self.last < PROGRESS_SECONDS and hook.get("status") != "finished":
            return
        self.last = now
        # The first moments say nothing about the pace.
        speed = hook.get("speed") if (hook.get("elapsed") or 0) >= 2 * PROGRESS_SECONDS else None
        left = None
        whole = self.whole()
        if speed and whole:
            left = max(0.0, (whole - received) / speed)
        self.emit(
            "progress",
            stage="downloading",
            bytes=received,
            total=whole,
            exact=self.exact,
            speed=float(speed) if speed else None,
            eta=left,
        )

    def whole(self) -> int | None:
        """All bytes of the item: as stated for every part, else as the parts begun so far say."""
        begun = [total for _, total in self.parts.values()]
        known = sum(total for total in begun if total is not None)
        if self.expected is not None:
            return max(self.expected, known)
        return known if begun and None not in begun else None

    def processing(self, hook: Mapping[str, Any]) -> None:
        stage = _STAGES.get(str(hook.get("postprocessor")))
        if stage is None or self.finishing or hook.get("status") != "started":
            return
        self.finishing = True
        received = sum(part for part, _ in self.parts.values())
        facts = {
            "stage": stage,
            "bytes": received,
            "total": self.whole(),
            "exact": True,
            "speed": None,
            "eta": None,
        }
        self.emit("progress", **facts)
        threading.Thread(target=self.show_life, args=(facts,), daemon=True).start()

    def show_life(self, facts: Mapping[str, Any]) -> None:
        """ffmpeg tells nothing while it works on a long film, and whoever waits would take that for a stall."""
        for _ in range(_LONGEST_PROCESSING // _LIFE_SECONDS):
            if self.finished.wait(_LIFE_SECONDS):
                return
            self.emit("progress", **facts)

    def finish(self, info: Mapping[str, Any] | None, log: Any) -> dict[str, Any]:
        """A skip ends without a file and without an error, hence the file decides and nothing else."""
        media = _media_file(Path(self.job.work), info)
        if info is None or media is None:
            told = "\n".join(log.lines)
            code = classify(told).code
            raise Refused(code if code != "failed" else "empty")
        item = describe_item(info)
        notes = []
        container = media.suffix.removeprefix(".")
        if container != self.job.container:
            notes.append({"code": "container_changed", "detail": container})
        wanted = self.job.quality
        height = formats.short_side(info)
        if height and wanted.isdigit() and height < int(wanted):
            notes.append({"code": "quality_lower", "detail": str(height)})
        base = Path(self.job.work)
        files = [{"role": "media", "name": media.name, "bytes": media.stat().st_size, "language": None}]
        files += _beside(base, media, str(item["id"]))
        if self.job.nfo:
            (base / "item.nfo").write_bytes(
                movie_nfo(item, collection=self.job.collection, index=self.job.index)
            )
            files.append(
                {
                    "role": "nfo",
                    "name": "item.nfo",
                    "bytes": (base / "item.nfo").stat().st_size,
                    "language": None,
                }
            )
        lacking = sorted(set(self.job.subtitles) - {str(one["language"]) for one in files})
        notes += [{"code": "subtitles_missing", "detail": language} for language in lacking]
        return {"item": item | {"container": container, "height": height}, "files": files, "notes": notes}


class _Gate(PostProcessor):  # type: ignore[misc]  # yt-dlp ships no types
    """Looks at the chosen formats before the first byte."""

    def __init__(self, fetch: _Fetch) -> None:
        super().__init__()
        self.fetch = fetch

    def run(self, information: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
        self.fetch.gate(information)
        # What is converted is the only copy of what was fetched, and the result is written in place: it stays until the item
        # is done. Merging makes a whole copy first, so there the streams can go.
        self._downloader.params["keepvideo"] = not information.get("requested_formats")
        return [], information


def _media_file(work: Path, info: Mapping[str, Any] | None) -> Path | None:
    for one in (info or {}).get("requested_downloads") or ():
        path = Path(str(one.get("filepath") or ""))
        if (
            path.parent.resolve() == work.resolve()
            and path.suffix.removeprefix(".") in _MEDIA
            and path.is_file()
            and not path.is_symlink()
            and path.stat().st_size
        ):
            return path
    return None


def _beside(work: Path, media: Path, identifier: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted(work.iterdir()):
        if path == media or path.is_symlink() or not path.is_file() or not path.stat().st_size:
            continue
        if path.suffix == ".jpg" and not any(one["role"] == "thumbnail" for one in found):
            found.append(
                {"role": "thumbnail", "name": path.name, "bytes": path.stat().st_size, "language": None}
            )
        elif match := _SUBTITLE.search(path.name):
            language = match["language"]
            found.append(
                {"role": "subtitle", "name": path.name, "bytes": path.stat().st_size, "language": language}
            )
    return found


def _remove(work: Path, unwanted: Callable[[Path], bool]) -> None:
    for path in work.iterdir():
        if path.is_file() and unwanted(path):
            path.unlink()


def _video_id(error: YoutubeDLError) -> str | None:
    match = re.match(r"(?:ERROR: )?\[[\w:]+\] ([\w-]{6,64}): ", str(error))
    return match[1] if match else None
