"""The process in which yt-dlp runs: one job, then it is gone. Started as ``python -I child.py``, stdlib and yt-dlp only.

The job comes as one line on standard input, which the parent keeps open: its end is the parent's end and this one's too.
Events leave on a copy of descriptor 1; whatever else is printed goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from medianest_youtube import confine
from medianest_youtube.errors import REASONS, Refused, classify, plain
from medianest_youtube.protocol import MAX_JOB_BYTES, BadJob, ChildJob, read_job

Emit = Callable[..., None]


class Log:
    """What yt-dlp says, as it wants to be listened to; the last lines explain a file that never came."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def debug(self, message: str) -> None:
        if not message.startswith("[debug]"):
            self.lines = [*self.lines[-19:], message]

    def info(self, message: str) -> None:
        self.debug(message)

    def warning(self, message: str) -> None:
        self.debug(message)

    def error(self, message: str) -> None:
        self.debug(message)


def _emitter() -> Emit:
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    lock = threading.Lock()

    def emit(event: str, **facts: Any) -> None:
        line = json.dumps({"event": event, **facts}).encode() + b"\n"
        with lock:
            out.write(line)

    return emit


def _read_line() -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        # Byte by byte would be slow and a buffered reader would steal from the thread that waits for the end.
        part = os.read(0, 65536)
        if not part:
            raise BadJob("no job came")
        line += part
        if len(line) > MAX_JOB_BYTES:
            raise BadJob("the job is too long")
    return bytes(line)


def _prepare(job: ChildJob) -> tuple[str, list[str]]:
    """Load yt-dlp and bind this process; its version and what holds it. Loading comes first, so that Python can keep
    the compiled modules; it uses no network."""
    programs = [program for program in (job.ffmpeg, *job.js_runtimes.values()) if program]
    confine.private_environment(job.work, programs)
    version = _load_ytdlp(job)
    confine.limit_files(job.max_bytes if job.kind == "download" else None)
    held = ["group", "folder", confine.landlock(job.connect_ports, [job.work])]
    confine.allow_programs(programs)
    confine.die_with_parent()
    return version, [*held, "programs"]


def _load_ytdlp(job: ChildJob) -> str:
    """The separately updated yt-dlp if there is one, with no plugins of its own unless the job plays a site."""
    if job.ytdlp_path:
        sys.path.insert(0, job.ytdlp_path)
    if job.site_url:
        os.environ["MEDIANEST_SITE_URL"] = job.site_url
    else:
        os.environ["YTDLP_NO_PLUGINS"] = "1"
    import yt_dlp
    import yt_dlp.extractor.youtube
    from yt_dlp.globals import plugin_dirs

    plugin_dirs.value = [str(Path(__file__).resolve().parent)] if job.site_url else []
    return str(yt_dlp.version.__version__)


def _fail(emit: Emit, code: str, detail: str) -> int:
    emit("error", code=code, retry=REASONS[code].retry, detail=plain(detail))
    return 1


def _explain(error: BaseException) -> tuple[str, str]:
    """Code and detail of what went wrong, looking through yt-dlp's wrapping."""
    if isinstance(error, Refused):
        return error.code, str(error)
    told = str(error).strip()
    cause = getattr(error, "exc_info", None)
    inner = cause[1] if isinstance(cause, tuple) and len(cause) > 1 else error.__cause__
    for one in (error, inner):
        if isinstance(one, OSError) and one.errno in (28, 122):
            return "disk_full", told
        if isinstance(one, OSError) and one.errno == 27:
            return "too_large", told
    reason = classify(told)
    if reason.code == "failed" and inner is not None:
        reason = classify(f"{type(inner).__name__} {inner}")
    return reason.code, told or repr(error)


def main() -> int:
    confine.lead_group()
    emit = _emitter()
    try:
        job = read_job(_read_line())
        lock = confine.own_folder(job.work)
    except BadJob as error:
        return _fail(emit, "bad_job", str(error))
    except confine.FolderBusy:
        return _fail(emit, "busy", "")
    except OSError as error:
        return _fail(emit, "bad_job", f"the work folder cannot be used: {error.strerror}")
    log = Log()
    try:
        version, held = _prepare(job)
        emit("ready", version=version, confined=held)
        from medianest_youtube import fetching

        if job.kind == "inspect":
            emit("inspected", result=fetching.inspect(job, log))
        else:
            emit("done", **fetching.download(job, log, emit))
    except Exception as error:
        return _fail(emit, *_explain(error))
    finally:
        sys.stdout.flush()
        os.close(lock)
    return 0


if __name__ == "__main__":
    code = main()
    # Helper threads of yt-dlp or of a half-closed connection must not keep the process.
    os._exit(code)
