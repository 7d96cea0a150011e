"""Syncing a large library: first, unchanged, one title and one percent changed, forced; beside plexapi walking the same listing, and
beside the bare limit. Each act with its seconds, its CPU seconds and its peak of memory.

Each Plex simulator runs as a process of its own and hands out pages it encoded before; so does the portal. The limit is the sum of
fetching the same pages, decoding them and writing one document a record, each bare and into SQLite. `--titles` counts the films and
shows of a server; seasons and episodes of at most 600 shows are records too. All servers hold the same titles, so that each is
merged from as many records. What follows a sync at a server's own pace, reading the details of titles fifty at a time, is left out:
nothing waits for it. An act ends with its run. The last act changes the order of two servers, the second of them a quarter as large
where there is only one otherwise.

On a machine that others use too compare CPU seconds (`…_cpu_…`): those of the portal's process, with a PostgreSQL server's own
added. Two minutes as it is; the large one is `--titles 20000 --servers 3`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import http.client
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, patch
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import psutil

from medianest_core.base.arenas import share_arenas
from medianest_core.cli.serve import loop_factory
from tests.servers import Postgres

MODULE = "benchmarks.sync"
PAGE = 1000
LISTINGS = (("1", 1), ("2", 2), ("2", 3), ("2", 4))
"""(section of the simulator, type): films; shows, seasons, episodes."""
FOLLOWS_WITHIN = 5.0
"""Seconds within which a job that waits counts as part of what is going on."""
ACTS = ("first", "no_change", "one_title", "one_percent", "forced", "priority_change")
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


class Child:
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


def _forget_peak() -> None:
    """From now on `_peak_mb` tells the peak since now, where the system can do that."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_mb() -> float:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _cpu_of(process: int) -> float:
    """CPU seconds of a server's process and of all that it started."""
    family = [psutil.Process(process)]
    family += family[0].children(recursive=True)
    used = 0.0
    for member in family:
        with suppress(psutil.Error):
            times = member.cpu_times()
            used += times.user + times.system + times.children_user + times.children_system
    return used


def _counted(function: Callable[..., Any], count: Callable[[str, int], None]) -> Callable[..., Any]:
    """`function(connection, table, rows)`, with its rows counted."""

    async def counted(connection: Any, table: Any, rows: Sequence[Any]) -> Any:
        count(table.name, len(rows))
        return await function(connection, table, rows)

    return counted


async def _portal(folder: Path) -> None:
    """The child with the portal. Commands: add JSON (a list of instances), sync, force, order; each answers with seconds, CPU seconds,
    peak memory and what was done."""
    from sqlalchemy import event, func, select

    from medianest_core.base import logging
    from medianest_core.base.settings import AppSettings
    from medianest_core.domain.library.enriching.details import Details
    from medianest_core.runtime import Runtime
    from medianest_core.sdk.media import MediaSource
    from medianest_core.store import copying
    from medianest_core.store.tables.ledger import jobs

    settings = AppSettings(data_dir=folder, log_level="error")
    logging.configure(settings)
    runtime = Runtime(settings)
    stack = ExitStack()
    for name in ("request", "request_missing"):
        stack.enter_context(patch.object(Details, name, AsyncMock(return_value=False)))
    await runtime.start()
    gc.freeze()
    services = runtime.services
    written = 0

    def count(_c: Any, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        nonlocal written
        words = statement.split(None, 3)
        table = {"INSERT": 2, "DELETE": 2, "UPDATE": 1}.get(words[0].upper(), 0)
        if table and words[table].strip('"(') in TABLES:
            # PostgreSQL's driver does not say how many rows a statement wrote that was said for many.
            written += cursor.rowcount if cursor.rowcount >= 0 else len(parameters) if many else 0

    def count_copied(table: str, rows: int) -> None:
        nonlocal written
        if table in TABLES:
            written += rows

    event.listen(services.db.engine.sync_engine, "after_cursor_execute", count)
    for name in ("copy_rows", "merge_rows"):
        # What PostgreSQL is given by COPY comes past no cursor.
        stack.enter_context(patch.object(copying, name, _counted(getattr(copying, name), count_copied)))

    async def finished(before: int, more: int) -> list[Any]:
        """The runs after the first `before` ones, once none is open and `more` have ended."""
        while True:
            runs = await services.library.sync_runs(50)
            ended = [run for run in runs if run.ended_at is not None]
            if len(ended) == len(runs) and len(ended) >= before + more:
                return list(runs[: len(runs) - before])
            await asyncio.sleep(0.25)

    async def quiet() -> None:
        """Returns once what follows a run has ended, so that the next act is measured alone."""
        due = (jobs.c.state == "queued") & (jobs.c.due_at <= time.time() + FOLLOWS_WITHIN)
        open_jobs = select(func.count()).where(
            jobs.c.name.like("library.%"), (jobs.c.state == "leased") | due
        )
        while True:
            async with services.db.read() as tx:
                if not await tx.scalar(open_jobs):
                    return
            await asyncio.sleep(0.2)

    loop = asyncio.get_running_loop()
    while line := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        command, _, rest = line.partition(" ")
        await quiet()
        before, cpu, began = (
            len(await services.library.sync_runs(50)),
            time.process_time(),
            time.perf_counter(),
        )
        written = 0
        _forget_peak()
        answer: dict[str, Any] = {}
        if command == "order":
            ids = [handle.instance.id for handle in services.host.instances.any(MediaSource)]  # type: ignore[type-abstract]  # a key
            # Among equals the smallest id has won: turned round, every title that several servers have changes.
            ranks = [[one] for one in sorted(ids, reverse=True)]
            await services.library.ranking.save({"*": ranks}, None, None)
            (run,) = await finished(before, 1)
            answer["seconds"] = time.perf_counter() - began
            answer["changed"] = run.counts["changed"]
        else:
            added = json.loads(rest) if command == "add" else []
            for wanted in added:
                await services.host.instances.create(
                    wanted["plugin"],
                    wanted["service"],
                    wanted["name"],
                    wanted["title"],
                    wanted["settings"],
                    None,
                )
            if command in ("sync", "force"):
                await services.library.request_sync(force=command == "force")
            runs = await finished(before, len(added) or 1)
            answer["seconds"] = max(run.ended_at for run in runs) - min(run.started_at for run in runs)
            answer["counts"] = [run.counts for run in runs]
            answer["problems"] = [problem for run in runs for problem in run.problems]
        answer |= {"cpu": time.process_time() - cpu, "rows": written, "peak_mb": _peak_mb()}
        page = await services.library.facets()
        answer["titles"] = sum(page.kinds.values())
        print(json.dumps(answer, default=str), flush=True)
    await runtime.stop()
    stack.close()


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


def _pages(url: str, token: str) -> Iterator[bytes]:
    """What the portal reads from a server when it knows nothing yet."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=120)
    headers = {"Accept": "application/json", "X-Plex-Token": token}
    for section, kind in LISTINGS:
        start, total = 0, 1
        while start < total:
            query: dict[str, Any] = {"type": kind, "includeGuids": 1, "includeElements": "Stream"}
            query |= {"sort": "addedAt:asc", "X-Plex-Container-Start": start, "X-Plex-Container-Size": PAGE}
            connection.request("GET", f"/library/sections/{section}/all?{urlencode(query)}", headers=headers)
            reply = connection.getresponse()
            yield reply.read()
            total = int(reply.getheader("X-Plex-Container-Total-Size") or 0)
            start += PAGE


def _limit(servers: Sequence[Mapping[str, Any]], folder: Path) -> dict[str, float]:
    """Seconds for fetching the pages that the portal reads, decoding them, and writing one document a title; nothing else.

    It keeps all pages and all that is decoded in memory, and Python's garbage collector is off, so that what is kept costs nothing
    but its making: the least that this work can take in one process.
    """
    import orjson

    gc.disable()
    began, cpu = time.perf_counter(), time.process_time()
    pages = [page for told in servers for page in _pages(told["url"], told["facts"]["owner_token"])]
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
    took = {
        "fetch_s": fetched - began,
        "decode_s": read - fetched,
        "write_s": wrote - read,
        "total_s": wrote - began,
        "cpu_s": time.process_time() - cpu,
        "records": len(decoded),
        "mb": sum(map(len, pages)) / 1e6,
    }
    database.close()
    gc.enable()
    return took


def _change(url: str, token: str, every: int | None) -> int:
    """Edit every so manieth film at the simulator, or the first alone; returns how many."""
    listing = f"{url}/library/sections/1/all?{urlencode({'type': 1, 'X-Plex-Token': token})}"
    asked = Request(listing, headers={"Accept": "application/json"})  # the simulator's own address
    with urlopen(asked, timeout=300) as reply:  # as above
        films = json.loads(reply.read())["MediaContainer"]["Metadata"]
    chosen = films[::every] if every else films[:1]
    for film in chosen:
        _ask(f"{url}/_sim/items/{film['ratingKey']}", "PATCH", {"summary": f"Changed at {time.time()}."})
    return len(chosen)


class _Benchmark:
    """The simulators, the portal and the peers of one measurement."""

    def __init__(self, stack: ExitStack, titles: int, servers: int, database: str) -> None:
        self._stack = stack
        self._titles = titles
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="medianest-bench-")))
        environment = {}
        self._database: int | None = None
        if database == "postgresql":
            cluster = Postgres(durable=True)
            stack.callback(cluster.close)
            cluster.start()
            assert cluster.process is not None
            self._database = cluster.process.pid
            environment["MEDIANEST_DATABASE_URL"] = cluster.url()
        self.told = [
            stack.enter_context(_simulator(self.folder / f"sim{number}", titles)) for number in range(servers)
        ]
        self._portal = Child("--portal", str(self.folder / "portal"), **environment)
        stack.callback(self._portal.close)
        self._clients = [
            Child("--plexapi", one["url"], one["facts"]["owner_token"], PLEXAPI_PLEXAPI_AUTORELOAD="false")
            for one in self.told
        ]
        for client in self._clients:
            stack.callback(client.close)

    def tell(self, command: str) -> dict[str, Any]:
        """One act of the portal. Its database's CPU seconds are added to its own."""
        before = 0.0 if self._database is None else _cpu_of(self._database)
        answer = self._portal.tell(command)
        if self._database is not None:
            answer["cpu"] += _cpu_of(self._database) - before
        return answer

    def add(self) -> dict[str, Any]:
        wanted = [
            {
                **_ask(f"{one['url']}/_sim/instances")[0],
                "plugin": "plex",
                "name": f"plex{number}",
                "title": f"Plex {number}",
            }
            for number, one in enumerate(self.told)
        ]
        return self.tell(f"add {json.dumps(wanted)}")

    def add_smaller(self) -> None:
        other = self._stack.enter_context(_simulator(self.folder / "second", max(self._titles // 4, 100)))
        second = _ask(f"{other['url']}/_sim/instances")[0]
        added = {**second, "plugin": "plex", "name": "second", "title": "Second"}
        self.tell(f"add {json.dumps([added])}")

    def change(self, every: int | None) -> int:
        return _change(self.told[0]["url"], self.told[0]["facts"]["owner_token"], every)

    def plexapi(self, command: str) -> dict[str, Any]:
        """One server after the other, as a script would."""
        walked = [client.tell(command) for client in self._clients]
        return {name: sum(one[name] for one in walked) for name in ("seconds", "cpu", "items", "peak_mb")}


def measure(titles: int, servers: int, rounds: int, database: str) -> dict[str, Any]:
    with ExitStack() as stack:
        bench = _Benchmark(stack, titles, servers, database)
        bench.plexapi("walk")  # the simulators encode each page once
        limit = _limit(bench.told, bench.folder)
        first = bench.add()
        walks = [bench.plexapi("walk") for _ in range(rounds)]
        fields = bench.plexapi("fields")
        same = [bench.tell("sync") for _ in range(rounds)]
        bench.change(None)
        title = bench.tell("sync")
        edited = bench.change(100)
        percent = bench.tell("sync")
        forced = bench.tell("force")
        if servers == 1:
            bench.add_smaller()
        order = bench.tell("order")
    walk = {name: min(one[name] for one in walks) for name in ("seconds", "cpu")}
    unchanged = {name: min(one[name] for one in same) for name in ("seconds", "cpu")}
    unchanged |= {name: max(one[name] for one in same) for name in ("rows", "peak_mb")}
    acts = dict(zip(ACTS, (first, unchanged, title, percent, forced, order), strict=True))
    records = limit["records"]
    figures: dict[str, Any] = {}
    for name, act in acts.items():
        figures |= {
            f"{name}_s": round(act["seconds"], 3),
            f"{name}_cpu_s": round(act["cpu"], 3),
            f"{name}_cpu_us_a_record": round(act["cpu"] / records * 1e6, 1),
            f"{name}_rows_written": act["rows"],
            f"{name}_peak_mb": round(act["peak_mb"]),
        }
        if name != "priority_change":
            figures[f"{name}_vs_plexapi"] = round(walk["seconds"] / act["seconds"], 2)
            figures[f"{name}_cpu_vs_plexapi"] = round(walk["cpu"] / act["cpu"], 2)
    return {
        "python": sys.version.split()[0],
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "database": database,
        "titles_a_server": titles,
        "servers": servers,
        "records": records,
        "rounds": rounds,
        **figures,
        "one_percent_edited": edited,
        "priority_change_titles": order["changed"],
        "no_change_vs_plexapi_fields": round(fields["seconds"] / unchanged["seconds"], 2),
        "no_change_cpu_vs_plexapi_fields": round(fields["cpu"] / unchanged["cpu"], 2),
        "plexapi_s": round(walk["seconds"], 3),
        "plexapi_cpu_s": round(walk["cpu"], 3),
        "plexapi_fields_s": round(fields["seconds"], 3),
        "plexapi_fields_cpu_s": round(fields["cpu"], 3),
        "plexapi_items": walks[0]["items"],
        "plexapi_peak_mb": round(fields["peak_mb"]),
        "limit": {name: round(value, 3) for name, value in limit.items()},
        "vs_limit": round(first["seconds"] / limit["total_s"], 2),
        "vs_limit_cpu": round(first["cpu"] / limit["cpu_s"], 2),
        "peak_mb": round(max(one["peak_mb"] for one in acts.values())),
        "titles": first["titles"],
        "problems": [
            problem for one in (first, *same, title, percent, forced) for problem in one["problems"]
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--titles", "--size", type=int, default=4000, help="films and shows of a server")
    parser.add_argument("--servers", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--portal", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--plexapi", nargs=2, help=argparse.SUPPRESS)
    options, _ = parser.parse_known_args()
    if options.portal is not None:
        # As `medianest serve` begins.
        share_arenas()
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_portal(options.portal))
        return
    if options.plexapi is not None:
        _plexapi(*options.plexapi)
        return
    result = measure(options.titles, options.servers, options.rounds, options.database)
    for name, value in result.items():
        print(f"{name:28} {value}")
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
