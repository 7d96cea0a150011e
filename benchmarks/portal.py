"""The portal as a user would meet it: start, memory, pages and JSON, page weight.

Starts the demo, signs in as its admin, and measures beside a raw ASGI application in the same run. `--json` prints one object on the
last line. Targets are those of the project's performance table; Seerr and Uptime Kuma cannot be installed from registries, so
their published figures are scaled by (raw ASGI now ÷ 24,300 requests/s).
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil

from benchmarks.load import load

RAW_THEN = 24_300
SETTLE = 5.0
"""Seconds after a start or a load before memory is read."""
SEERR = {"who am I": 730, "sign-in page": 62, "JSON listing": 212, "requests list": 212}
ASKED_FOR = 20
"""Requests there are, at least: as many as a page of the list holds."""
BROWSER = {"Accept": "text/html", "Accept-Encoding": "gzip, br"}
HELD = ", held"
"""Ends the name of a row that asks with the entity tag of what it has: every answer is a 304."""
HERE = Path(__file__).parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _memory(process: psutil.Process) -> float:
    """MiB of the process, shared pages counted once."""
    return float(process.memory_full_info().uss) / 2**20


def _sign_in(url: str, admin: dict[str, str]) -> str:
    """The session cookie of the admin, through the JSON API."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=10)
    connection.request(
        "POST",
        "/api/v1/sign-in/local",
        json.dumps(admin),
        {"Content-Type": "application/json", "Origin": url},
    )
    reply = connection.getresponse()
    reply.read()
    if reply.status not in (200, 204):
        raise RuntimeError(f"sign-in answered {reply.status}")
    cookies = [value.split(";")[0] for name, value in reply.getheaders() if name.lower() == "set-cookie"]
    return "; ".join(cookies)


def _wait(url: str, process: subprocess.Popen[Any]) -> float:
    """Seconds until `url` answers 200."""
    parts = urlsplit(url)
    began = time.perf_counter()
    while True:
        try:
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=5)
            connection.request("GET", parts.path)
            if connection.getresponse().status == 200:
                return time.perf_counter() - began
        except OSError:
            pass
        if process.poll() is not None:
            raise RuntimeError("the portal ended while starting")
        time.sleep(0.005)


def start_up(data_dir: Path, rounds: int) -> dict[str, float]:
    """Seconds from the command to the first 200, with the demo's data, for the sign-in page."""
    times, cpu, idle = [], [], 0.0
    for _ in range(rounds):
        port = _free_port()
        command = [
            sys.executable,
            "-m",
            "medianest_core.cli",
            "serve",
            "--port",
            str(port),
            "--data-dir",
            str(data_dir),
        ]
        # An installed portal has its bytecode cached: a shell that forbids writing it would measure the compiler.
        cached = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=data_dir, env=cached
        )
        try:
            times.append(_wait(f"http://127.0.0.1:{port}/sign-in", process))
            spent = psutil.Process(process.pid).cpu_times()
            cpu.append(spent.user + spent.system)
            if len(times) == rounds:
                time.sleep(SETTLE)
                idle = _memory(psutil.Process(process.pid))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
    times.sort()
    return {
        "median_s": round(times[len(times) // 2], 3),
        "best_s": round(times[0], 3),
        "best_cpu_s": round(min(cpu), 3),
        "idle_mib": round(idle, 1),
        "rounds": rounds,
    }


def weight(url: str, path: str, cookie: str) -> dict[str, int]:
    """Bytes on the wire of a page with its scripts, styles, fonts and icons, without artwork."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=10)
    headers = {"Accept-Encoding": "gzip, br", "Cookie": cookie, "Accept": "text/html"}

    def fetch(target: str) -> tuple[int, bytes, str]:
        connection.request("GET", target, headers=headers)
        reply = connection.getresponse()
        body = reply.read()
        return len(body), body, reply.getheader("content-encoding") or ""

    size, body, encoding = fetch(path)
    text = (gzip.decompress(body) if encoding == "gzip" else body).decode()
    found = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', text))
    needed = {item for item in found if not re.search(r"manifest|apple-touch|favicon|logo", item)}
    return {"page": size, "total": size + sum(fetch(item)[0] for item in needed), "requests": 1 + len(needed)}


def _tag(url: str, path: str, headers: dict[str, str]) -> str:
    """The entity tag that the portal gives to the page now."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=10)
    connection.request("GET", path, headers=headers)
    reply = connection.getresponse()
    reply.read()
    return reply.getheader("etag") or ""


def _ask_for_titles(url: str, cookie: str) -> int:
    """Ask for titles of a catalog until the list has a full page; how many requests there are then."""
    with httpx.Client(base_url=f"{url}/api/v1", headers={"Cookie": cookie, "Origin": url}, timeout=30) as api:
        there = len(api.get("/requests", params={"everyone": True, "limit": ASKED_FOR}).json()["items"])
        for number in range(1, 6):
            found = api.get("/discover/feed", params={"name": "movies", "page": number}).json()["entries"]
            for entry in found:
                if there < ASKED_FOR and not entry["available"] and not entry["request"]:
                    wanted = {name: entry[name] for name in ("kind", "ids", "title", "year", "image")}
                    there += api.post("/requests", json=wanted).status_code == 201
        return there


def measure(seconds: float, rounds: int, only: str = "") -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="medianest-bench-") as temporary:
        folder = Path(temporary)
        bare_port = _free_port()
        bare = subprocess.Popen([sys.executable, str(HERE / "bare.py"), str(bare_port)])
        command = [
            sys.executable,
            "-m",
            "benchmarks.unlimited",
            "demo",
            "--json",
            "--port",
            "0",
            "--no-browser",
        ]
        demo = subprocess.Popen(
            [*command, "--data-dir", str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=HERE.parent,
        )
        try:
            _wait(f"http://127.0.0.1:{bare_port}/", bare)
            assert demo.stdout is not None
            ready = json.loads(demo.stdout.readline())
            url = ready["url"]
            process = psutil.Process(demo.pid)
            time.sleep(SETTLE)
            idle = _memory(process)
            cookie = _sign_in(url, ready["admin"])
            result: dict[str, Any] = {
                "python": sys.version.split()[0],
                "cores": os.cpu_count(),
                "seconds_each": seconds,
            }
            pages = {
                "who am I": ("/api/v1/me", {"Cookie": cookie}),
                "JSON listing": ("/api/v1/library/titles?limit=20", {"Cookie": cookie}),
                "requests list": (f"/api/v1/requests?everyone=true&limit={ASKED_FOR}", {"Cookie": cookie}),
                "library page": ("/library", {"Cookie": cookie, **BROWSER}),
                "requests page": ("/requests", {"Cookie": cookie, **BROWSER}),
                "discover page": ("/discover", {"Cookie": cookie, **BROWSER}),
                "home page": ("/", {"Cookie": cookie, **BROWSER}),
                "sign-in page": ("/sign-in", BROWSER),
                "JSON listing, held": ("/api/v1/library/titles?limit=20", {"Cookie": cookie}),
                "library page, held": ("/library", {"Cookie": cookie, **BROWSER}),
            }
            pages = {name: page for name, page in pages.items() if only in name}
            result["requests"] = _ask_for_titles(url, cookie)
            for name, (path, headers) in pages.items():
                row: dict[str, Any] = {}
                held = name.endswith(HELD)
                if held:
                    headers = {**headers, "If-None-Match": _tag(url, path, headers)}
                # Beside each page, because a shared machine is another one a minute later.
                raw = load(f"http://127.0.0.1:{bare_port}/", connections=20, seconds=1.0).per_second
                for connections in (1, 20):
                    before = process.cpu_times()
                    found = load(
                        url + path,
                        headers,
                        connections=connections,
                        seconds=seconds,
                        expected=304 if held else 200,
                    )
                    after = process.cpu_times()
                    spent = after.user + after.system - before.user - before.system
                    row[f"c{connections}"] = {
                        **found.as_dict(),
                        "cpu_us": round(spent / (found.per_second * seconds) * 1e6),
                    }
                if name in SEERR:
                    row["times_seerr_scaled"] = round(
                        row["c20"]["per_second"] / (SEERR[name] * raw / RAW_THEN), 1
                    )
                row["of_raw_asgi"] = round(row["c20"]["per_second"] / raw, 3)
                row["raw_asgi_per_second"] = round(raw)
                result[name] = row
            result["memory_idle_mib"] = round(idle, 1)
            result["memory_loaded_mib"] = round(_memory(process), 1)
            time.sleep(SETTLE)
            result["memory_after_mib"] = round(_memory(process), 1)
            result["weight_sign_in"] = weight(url, "/sign-in", "")
            result["weight_home"] = weight(url, "/", cookie)
            result["weight_library"] = weight(url, "/library", cookie)
        finally:
            demo.send_signal(signal.SIGTERM)
            demo.wait(30)
            bare.terminate()
            bare.wait(5)
        if rounds:
            result["start"] = start_up(folder / "portal", rounds)
        return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    options = parser.parse_args()
    result = measure(options.seconds, options.rounds, options.only)
    for name, value in result.items():
        print(f"{name:20} {value}")
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
