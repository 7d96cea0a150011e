"""The oracle: what people were told, against the database, the files and what the services were made to do.

Each check returns sentences, one for each violation, beginning with the invariant's number.
"""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from tests.integration.crash.oplog import OpLog, Outcome
from tests.integration.crash.town import Town

SETTLE = 120.0
"""Seconds in which something must end, while anything is left: a machine that does other things too is slow, not stuck."""
LONGEST = 400.0
_LIMBO = 10.0
_OPEN = "('queued', 'leased', 'waiting')"
_ENDED = ("done", "partial", "failed", "cancelled")


def settled(town: Town) -> list[str]:
    """Wait until all work has ended. I1, I3: what has not, and is not visibly waiting for a later time."""

    def unfinished() -> list[str]:
        now = time.time()
        found = [
            f"job {row['name']} {row['id']} is {row['state']} (crashes {row['crashes']}, reason {row['reason']})"
            for row in town.rows(f"SELECT * FROM jobs WHERE state IN {_OPEN}")
            if row["due_at"] <= now + SETTLE
            and not (row["state"] == "queued" and row["created_at"] > now - 5)
        ]
        found += [
            f"download {row['id']} is {row['status']} ({row['reason']}, {row['filing']})"
            for row in town.rows("SELECT * FROM downloads")
            if row["status"] not in _ENDED
        ]
        found += [
            f"item {row['id']} is {row['status']}"
            for row in town.rows("SELECT * FROM download_items WHERE status IN ('queued', 'running')")
        ]
        return found

    begun = moved = time.monotonic()
    fewest = len(left := unfinished())
    while left and time.monotonic() - moved < SETTLE and time.monotonic() - begun < LONGEST:
        time.sleep(0.2)
        left = unfinished()
        if len(left) < fewest:
            fewest, moved = len(left), time.monotonic()
    return [f"I1, I3: {text}" for text in left]


def limbo(town: Town) -> list[str]:
    """I3: jobs whose lease ended long ago."""
    late = time.time() - _LIMBO
    return [
        f"I3: {row['name']} {row['id']} is leased until {late - row['lease_until']:.1f} s too long ago"
        for row in town.rows("SELECT * FROM jobs WHERE state = 'leased'")
        if row["lease_until"] < late
    ]


def downloads(town: Town, log: OpLog) -> list[str]:
    """I1: one row for each submission that was confirmed, none for one that was refused. I2: one collection, one notification."""
    problems = []
    rows = town.rows("SELECT * FROM downloads")
    by_url: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_url.setdefault(row["url"], []).append(row)
    made = Counter(one["title"] for one in town.effects(town.plex, "collection.created"))
    held = Counter(
        (str(collection), str(key))
        for one in town.effects(town.plex, "collection.items_added")
        for collection, key in ((one["rating_key"], key) for key in one["asked"])
    )
    notes = Counter(
        row["params"].get("download_id")
        for row in town.rows("SELECT params FROM notifications WHERE kind LIKE 'download.%'")
    )
    for op in log.of("submit"):
        found = by_url.pop(op.key, [])
        if op.outcome is Outcome.OK and len(found) != 1:
            problems.append(f"I1: submission {op.number} was confirmed and has {len(found)} rows")
        if op.outcome is Outcome.FAIL and found:
            problems.append(f"I1: submission {op.number} was refused ({op.status}) and is there")
        if len(found) > 1:
            problems.append(f"I2: submission {op.number} has {len(found)} rows")
        for row in found:
            problems += _one(row, made[row["collection"]], notes[row["id"]])
    problems += [f"I2: nobody asked for the download of {url}" for url in by_url]
    problems += [
        f"I2: {key} was added {count} times to {where}" for (where, key), count in held.items() if count > 1
    ]
    return problems


def _one(row: dict[str, Any], collections: int, notes: int) -> list[str]:
    name = f"download {row['id']} ({row['status']})"
    problems = []
    filed = row["status"] == "done"
    if collections > 1 or (filed and collections != 1):
        problems.append(f"I2: {name} has {collections} collections")
    if row["status"] in _ENDED and row["status"] != "cancelled" and notes != 1:
        problems.append(f"I2: {name} has {notes} notifications")
    return problems


def files(town: Town) -> list[str]:
    """I5: every file is whole and has one owner, every owner its file; nothing is left half done."""
    problems = []
    rows = town.rows(
        "SELECT f.path, f.size, f.kind, i.linked, i.status, i.id AS item_id FROM download_files f"
        " JOIN download_items i ON i.id = f.item_id"
    )
    owners = Counter(row["path"] for row in rows if not row["linked"])
    problems += [f"I5: {path} has {count} owners" for path, count in owners.items() if count > 1]
    for row in rows:
        path = (town.downloads / row["path"]).resolve()
        if not path.is_relative_to(town.downloads.resolve()):
            problems.append(f"I5: {row['path']} is outside of the downloads")
        elif not path.is_file():
            problems.append(f"I5: {row['path']} is not there")
        elif path.stat().st_size != row["size"]:
            problems.append(f"I5: {row['path']} has {path.stat().st_size} bytes instead of {row['size']}")
    with_file = {row["item_id"] for row in rows if row["kind"] == "media"}
    for row in town.rows("SELECT id FROM download_items WHERE status = 'done'"):
        if row["id"] not in with_file:
            problems.append(f"I5: item {row['id']} is done and has no file")
    known: dict[bytes, bool] = {}
    for film in sorted(town.downloads.glob("*/*.mp4")):
        if not _plays(film, known):
            problems.append(f"I5: {film.name} does not play")
    # What has failed may be tried again and then goes on from its half.
    open_items = "SELECT id FROM download_items WHERE status IN ('queued', 'running', 'failed')"
    kept = {row["id"] for row in town.rows(open_items)}
    left = {path.name for path in (town.downloads / ".unfinished").glob("*")} - kept
    problems += [f"I5: the half file of item {name} is still there" for name in left]
    return problems


def _plays(film: Path, known: dict[bytes, bool]) -> bool:
    # The site has few clips; those with equal bytes are equal.
    content = film.read_bytes()
    if content not in known:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-i", str(film)]
        run = subprocess.run([*command, "-f", "null", "-"], capture_output=True, text=True, timeout=60)
        known[content] = (run.returncode, run.stderr) == (0, "")
    return known[content]


def syncs(town: Town, log: OpLog) -> list[str]:
    """I1: each confirmed sync has its job; no run is open whose job has ended. The library is what the server has."""
    jobs = {row["id"]: row for row in town.rows("SELECT id, state FROM jobs WHERE name = 'library.sync'")}
    problems = [
        f"I1: sync {op.number} was confirmed and has no job"
        for op in log.of("sync")
        if op.outcome is Outcome.OK and op.said["reply"]["job_id"] not in jobs
    ]
    problems += [
        f"I3: run {row['id']} is {row['state']} and its job is not"
        for row in town.rows("SELECT id, state, job_id FROM sync_runs WHERE state IN ('queued', 'running')")
        if jobs.get(row["job_id"], {}).get("state") in ("done", "failed", "cancelled", None)
    ]
    doubles = town.rows(
        "SELECT path, count(*) AS n FROM download_files WHERE kind = 'media' GROUP BY path HAVING count(*) > 1"
    )
    return problems + [f"I5: {row['path']} stands {row['n']} times" for row in doubles]


def settings(town: Town, log: OpLog) -> list[str]:
    """I1: each confirmed save is in the audit log once and counts one version; the last of them is in force."""
    problems = []
    saves = town.rows("SELECT details FROM audit WHERE action = 'settings.saved' ORDER BY id")
    names = Counter(row["details"]["site_name"] for row in saves)
    for op in log.of("rename"):
        count = names[op.key]
        if op.outcome is Outcome.OK and count != 1:
            problems.append(f"I1: {op.key} was confirmed and is in the audit log {count} times")
        if op.outcome is Outcome.FAIL and count:
            problems.append(f"I1: {op.key} was refused ({op.status}) and was saved")
        if count > 1:
            problems.append(f"I2: {op.key} was saved {count} times")
    stored = town.rows("SELECT * FROM portal_settings")[0]
    if stored["version"] != len(saves) or stored["values"] != saves[-1]["details"]:
        problems.append(
            f"I1: the settings are {stored['values']}, version {stored['version']}, after {len(saves)} saves"
        )
    return problems


def read_marks(town: Town, log: OpLog) -> list[str]:
    """I1: what was confirmed as read is read."""
    unread = {row["id"] for row in town.rows("SELECT id FROM notifications WHERE read_at IS NULL")}
    return [
        f"I1: notification {op.key} was marked as read and is not"
        for op in log.of("read")
        if op.outcome is Outcome.OK and op.key in unread
    ]


def all_of_it(town: Town, log: OpLog) -> list[str]:
    """Everything that is wrong, after the end of all work."""
    return [
        *settled(town),
        *limbo(town),
        *downloads(town, log),
        *files(town),
        *syncs(town, log),
        *settings(town, log),
        *read_marks(town, log),
    ]
