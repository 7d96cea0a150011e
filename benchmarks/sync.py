"""Syncing a large library: first, unchanged, one percent changed; beside plexapi walking the same listing, and beside the bare limit.

The Plex simulator runs as a process of its own and hands out pages it encoded before; so does the portal, whose peak memory is
measured. The limit is the sum of fetching the same pages, decoding them and writing one document a title, each bare.
`--items` counts films and shows; their seasons and episodes are records too, half as many again.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

MODULE = "benchmarks.sync"
PAGE = 1000
LISTINGS = (("1", 1), ("2", 2), ("2", 3), ("2", 4))
"""(section of the simulator, type): films; shows, seasons, episodes."""
TABLES = ("titles", "title_docs", "title_ids", "records", "sync_changes", "titles_fts")


@contextmanager
def _simulator(folder: Path, items: int, seed: int = 7) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "medianest_core.cli", "sim", "plex", "--json", "--die-with-parent"]
    command += ["--items", str(items), "--seed", str(seed), "--data-dir", str(folder), "--port", "0"]
    folder.mkdir(parents=True)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(20)


def _ask(url: str, method: str = "GET", body: Any = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    asked = Request(
        url, data, {"Content-Type": "application/json"}, method=method
    )  # the simulator's own address
    with urlopen(asked, timeout=300) as reply:  # as above
        return json.loads(reply.read() or b"null")


class _Child:
    """A process that is told what to do, a line each, and answers with a line of JSON."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def tell(self, command: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process for {command!r} ended")
        return dict(json.loads(line))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _portal(folder: Path) -> None:
    """The child with the portal. Commands: add JSON, sync, order; each answers with seconds, CPU seconds and what was done."""
    from sqlalchemy import event

    from medianest_core.base import logging
    from medianest_core.base.settings import AppSettings
    from medianest_core.runtime import Runtime
    from medianest_core.sdk.media import MediaSource

    settings = AppSettings(data_dir=folder, log_level="error")
    logging.configure(settings)
    runtime = Runtime(settings)
    await runtime.start()
    services = runtime.services
    written = 0

    def count(_c: Any, cursor: Any, statement: str, *_: Any) -> None:
        nonlocal written
        words = statement.split(None, 3)
        table = {"INSERT": 2, "DELETE": 2, "UPDATE": 1}.get(words[0].upper(), 0)
        if table and words[table].strip('"(') in TABLES:
            written += max(0, cursor.rowcount)

    event.listen(services.db.engine.sync_engine, "after_cursor_execute", count)

    async def finished(number: int) -> Any:
        """The newest run once none is open and `number` runs have ended."""
        while True:
            runs = await services.library.sync_runs(50)
            ended = [run for run in runs if run.ended_at is not None]
            if len(ended) == len(runs) and len(ended) >= number:
                return runs[0]
            await asyncio.sleep(0.1)

    loop = asyncio.get_running_loop()
    while line := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        command, _, rest = line.partition(" ")
        before, cpu, began = (
            len(await services.library.sync_runs(50)),
            time.process_time(),
            time.perf_counter(),
        )
        written = 0
        answer: dict[str, Any] = {}
        if command == "order":
            ids = [handle.instance.id for handle in services.host.instances.any(MediaSource)]  # type: ignore[type-abstract]  # a key
            applied = await services.library.set_priorities("*", ids[::-1], None)
            answer["seconds"] = time.perf_counter() - began
            answer["changed"] = applied.changed
        else:
            if command == "add":
                wanted = json.loads(rest)
                await services.host.instances.create(
                    "plex", wanted["service"], wanted["name"], wanted["title"], wanted["settings"], None
                )
            else:
                await services.library.request_sync()
            run = await finished(before + 1)
            answer["seconds"] = run.ended_at - run.started_at
            answer["counts"] = run.counts
            answer["problems"] = list(run.problems)
        page = await services.library.facets()
        answer |= {
            "cpu": time.process_time() - cpu,
            "rows": written,
            "titles": sum(page.kinds.values()),
            "peak_mb": _peak_mb(),
        }
        print(json.dumps(answer, default=str), flush=True)
    await runtime.stop()


def _plexapi(url: str, token: str) -> None:
    """The child with plexapi. Commands: walk, fields."""
    from plexapi.server import PlexServer

    server = PlexServer(url, token)  # type: ignore[no-untyped-call]  # it has no types
    names = (
        "title",
        "titleSort",
        "summary",
        "year",
        "duration",
        "addedAt",
        "updatedAt",
        "guid",
        "thumb",
        "art",
    )
    while line := sys.stdin.readline().strip():
        began, cpu, seen = time.perf_counter(), time.process_time(), 0
        for section in server.library.sections():
            kinds = {"movie": ("movie",), "show": ("show", "season", "episode")}.get(section.type, ())
            for kind in kinds if section.key in {1, 2} else ():
                for item in section.search(libtype=kind, container_size=PAGE):
                    seen += 1
                    if line == "fields":
                        values = vars(item)
                        for name in names:
                            values.get(name)
                        for part in values:
                            if not part.startswith("_"):
                                getattr(item, part)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        print(json.dumps({"seconds": took, "cpu": cpu, "items": seen, "peak_mb": _peak_mb()}), flush=True)


def _limit(url: str, token: str, folder: Path) -> dict[str, float]:
    """Seconds for fetching the pages that the portal reads, decoding them, and writing one document a title; nothing else."""
    import orjson

    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=120)
    headers = {"Accept": "application/json", "X-Plex-Token": token}
    began, pages = time.perf_counter(), []
    for section, kind in LISTINGS:
        start, total = 0, 1
        while start < total:
            query: dict[str, Any] = {"type": kind, "includeGuids": 1, "includeElements": "Stream"}
            query |= {"sort": "addedAt:asc", "X-Plex-Container-Start": start, "X-Plex-Container-Size": PAGE}
            connection.request("GET", f"/library/sections/{section}/all?{urlencode(query)}", headers=headers)
            reply = connection.getresponse()
            pages.append(reply.read())
            total = int(reply.getheader("X-Plex-Container-Total-Size") or 0)
            start += PAGE
    fetched = time.perf_counter()
    decoded = [item for page in pages for item in orjson.loads(page)["MediaContainer"].get("Metadata", ())]
    read = time.perf_counter()
    database = sqlite3.connect(folder / "limit.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT, document BLOB)")
    for start in range(0, len(decoded), PAGE):
        rows = [(item.get("title"), orjson.dumps(item)) for item in decoded[start : start + PAGE]]
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO documents (title, document) VALUES (?, ?)", rows)
        database.execute("COMMIT")
    wrote = time.perf_counter()
    database.close()
    return {
        "fetch_s": fetched - began,
        "decode_s": read - fetched,
        "write_s": wrote - read,
        "total_s": wrote - began,
        "records": len(decoded),
        "mb": sum(map(len, pages)) / 1e6,
    }


def _change(url: str, token: str, share: float) -> int:
    """Edit every so manieth film at the simulator; returns how many."""
    every = round(1 / share)
    listing = f"{url}/library/sections/1/all?{urlencode({'type': 1, 'X-Plex-Token': token})}"
    asked = Request(listing, headers={"Accept": "application/json"})  # the simulator's own address
    with urlopen(asked, timeout=300) as reply:  # as above
        films = json.loads(reply.read())["MediaContainer"]["Metadata"]
    chosen = films[::every]
    for film in chosen:
        _ask(f"{url}/_sim/items/{film['ratingKey']}", "PATCH", {"summary": f"Changed at {time.time()}."})
    return len(chosen)


def measure(items: int, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="medianest-bench-") as temporary:
        folder = Path(temporary)
        with _simulator(folder / "sim", items) as told:
            url, token = told["url"], told["facts"]["owner_token"]
            instance = _ask(f"{url}/_sim/instances")[0]
            portal = _Child("--portal", str(folder / "portal"))
            plexapi = _Child("--plexapi", url, token, PLEXAPI_PLEXAPI_AUTORELOAD="false")
            try:
                plexapi.tell("walk")  # the simulator encodes each page once
                limit = _limit(url, token, folder)
                first = portal.tell(f"add {json.dumps(instance)}")
                walks = [plexapi.tell("walk") for _ in range(rounds)]
                fields = plexapi.tell("fields")
                same = [portal.tell("sync") for _ in range(rounds)]
                edited = _change(url, token, 0.01)
                percent = portal.tell("sync")
                with _simulator(folder / "second", max(items // 4, 100)) as other:
                    second = _ask(f"{other['url']}/_sim/instances")[0]
                    portal.tell(f"add {json.dumps({**second, 'name': 'second', 'title': 'Second'})}")
                    order = portal.tell("order")
            finally:
                portal.close()
                plexapi.close()
        walk = min(one["seconds"] for one in walks)
        unchanged = min(one["seconds"] for one in same)
        return {
            "python": sys.version.split()[0],
            "cores": os.cpu_count(),
            "items": items,
            "records": limit["records"],
            "rounds": rounds,
            "first_s": round(first["seconds"], 3),
            "first_cpu_s": round(first["cpu"], 3),
            "no_change_s": round(unchanged, 3),
            "no_change_cpu_s": round(min(one["cpu"] for one in same), 3),
            "one_percent_s": round(percent["seconds"], 3),
            "one_percent_edited": edited,
            "one_percent_rows_written": percent["rows"],
            "priority_change_s": round(order["seconds"], 3),
            "priority_change_titles": order["changed"],
            "no_change_rows_written": max(one["rows"] for one in same),
            "plexapi_s": round(walk, 3),
            "plexapi_fields_s": round(fields["seconds"], 3),
            "plexapi_items": walks[0]["items"],
            "plexapi_peak_mb": round(fields["peak_mb"]),
            "first_vs_plexapi": round(walk / first["seconds"], 2),
            "no_change_vs_plexapi": round(walk / unchanged, 2),
            "no_change_vs_plexapi_fields": round(fields["seconds"] / unchanged, 2),
            "one_percent_vs_plexapi": round(walk / percent["seconds"], 2),
            "limit": {name: round(value, 3) for name, value in limit.items()},
            "vs_limit": round(first["seconds"] / limit["total_s"], 2),
            "peak_mb": round(max(one["peak_mb"] for one in (first, *same, percent))),
            "titles": first["titles"],
            "problems": first["problems"],
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--portal", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--plexapi", nargs=2, help=argparse.SUPPRESS)
    options, _ = parser.parse_known_args()
    if options.portal is not None:
        asyncio.run(_portal(options.portal))
        return
    if options.plexapi is not None:
        _plexapi(*options.plexapi)
        return
    result = measure(options.items, options.rounds)
    for name, value in result.items():
        print(f"{name:28} {value}")
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
