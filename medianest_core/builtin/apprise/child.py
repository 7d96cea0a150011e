"""The process in which Apprise runs: one message, then it is gone. Started as `python -I child.py`.

The job comes as one line on standard input: {"address", "title", "body"}; the parent keeps that open, and its end is ours too. We
answer {"begun"} before anything is sent, then {"sent", "refused", "status"}.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
from typing import Any

_STATUS = re.compile(r"error[=: ]+(\d{3})\b", re.IGNORECASE)


def _watch() -> None:
    while os.read(0, 65536):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _read_line() -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        piece = os.read(0, 65536)
        if not piece:
            break
        line += piece
    return bytes(line)


def deliver(job: dict[str, Any], tell: Any) -> None:
    """Send it; `tell` is given what there is to say."""
    import apprise

    sender = apprise.Apprise.instantiate(
        job["address"], asset=apprise.AppriseAsset(secure_logging=True), suppress_exceptions=True
    )
    if sender is None:
        tell({"refused": True})
        return
    tell({"begun": True})
    with apprise.LogCapture(level=apprise.logging.INFO) as log:  # type: ignore[no-untyped-call]  # as it is written
        sent = bool(sender.notify(title=job["title"], body=job["body"]))
        found = _STATUS.findall(log.getvalue())
    tell({"sent": sent, "status": int(found[-1]) if found else 0})


def main() -> None:
    job = json.loads(_read_line())
    threading.Thread(target=_watch, daemon=True).start()
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    deliver(job, lambda told: out.write(json.dumps(told).encode() + b"\n"))
    out.close()
    # A library's threads must not keep us.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
