"""The simulator held honest by uptime-kuma-api, the client of Kuma 1.x, in a process that finds it before its successor."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from medianest_core.testing.threaded import threaded
from medianest_uptimekuma.simulator import KumaSimulator

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
ASKED = """
import sys, time
from pathlib import Path
import uptime_kuma_api
from uptime_kuma_api import MonitorStatus, MonitorType, UptimeKumaApi, UptimeKumaException

url, folder = sys.argv[1:]
assert Path(folder) in Path(uptime_kuma_api.__file__).parents, uptime_kuma_api.__file__

def refused(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except UptimeKumaException as error:
        return str(error)
    raise AssertionError(f"{call} was not refused")

def until(ask, wanted):
    ends = time.monotonic() + 20
    while not wanted(found := ask()):
        assert time.monotonic() < ends, found
        time.sleep(0.05)
    return found

with UptimeKumaApi(url, timeout=20) as api:
    assert refused(api.login, "admin", "guessed") == "Incorrect username or password."
    assert "You are not logged in" in refused(api.get_tags)
    token = api.login("admin", "long password")["token"]
    names = {one["id"]: one["name"] for one in api.get_monitors()}
    assert names[1] == "Media" and names[2] == "Plex", names
    plex = next(one for one in api.get_monitors() if one["id"] == 2)
    assert (plex["type"], plex["parent"], plex["pathName"]) == (MonitorType.HTTP, 1, "Media / Plex"), plex
    beats = until(api.get_heartbeats, lambda found: len(found.get(2, ())) == 100)
    assert beats[2][-1]["status"] == MonitorStatus.UP
    until(api.avg_ping, lambda found: 20 < found.get(2, 0) < 60)
    until(api.uptime, lambda found: 0.9 < found.get(2, {}).get(24, 0) <= 1.0)
    until(api.get_important_heartbeats, lambda found: found.get(2))
    key = api.add_monitor(type=MonitorType.HTTP, name="New", url="https://new.example")["monitorID"]
    assert api.get_monitor(key)["name"] == "New"
    api.edit_monitor(key, name="Newer")
    api.pause_monitor(key)
    paused = api.get_monitor(key)
    assert (paused["name"], paused["active"]) == ("Newer", False), paused
    api.resume_monitor(key)
    api.delete_monitor(key)
    assert refused(api.get_monitor, key)
    page = api.get_status_page("home")
    assert {group["name"] for group in page["publicGroupList"]} == {"Media", "Network", "Services"}, page
    assert api.post_incident("home", "Away", "Back soon")["title"] == "Away"
    api.unpin_incident("home")
with UptimeKumaApi(url, timeout=20) as api:
    assert "Invalid Token" in refused(api.login_by_token, "eyJ.x.y")
    api.login_by_token(token)
    assert api.version.startswith("1.23")
print("agreed")
"""


@pytest.mark.full
def test_the_first_generation_as_its_own_client_sees_it(tmp_path: Path) -> None:
    uv = shutil.which("uv") or str(ROOT / ".tools/bin/uv")
    folder = tmp_path / "client"
    install = [uv, "pip", "install", "-q", "--no-deps", "--require-hashes", "--target", str(folder)]
    subprocess.run(
        [*install, "--python", sys.executable, "-r", str(HERE / "first_client.txt")], check=True, timeout=120
    )
    with threaded(KumaSimulator(data_dir=tmp_path / "kuma", profile="1.23")) as served:
        asked = subprocess.run(
            [sys.executable, "-c", ASKED, served.url, str(folder)],
            env={**os.environ, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert asked.stdout.strip() == "agreed", asked.stderr[-3000:]
        kinds = [entry["kind"] for entry in served.simulator.ledger.entries()]
    assert "monitor.added" in kinds and "monitor.deleted" in kinds
