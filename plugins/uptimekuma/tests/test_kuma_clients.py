"""The simulator held honest by clients that others wrote: uptime-kuma-api-v2, and Prometheus' own parser."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from uptime_kuma_api import MonitorStatus, MonitorType, Timeout, UptimeKumaApi, UptimeKumaException

from medianest_core.testing.simulators import RunningSimulator
from medianest_core.testing.threaded import threaded
from medianest_uptimekuma.simulation.limiter import Limiter
from medianest_uptimekuma.simulator import KumaSimulator

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(scope="module", params=["1.23", "2.0", "2"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningSimulator]:
    simulator = KumaSimulator(data_dir=tmp_path_factory.mktemp("kuma"), profile=request.param)
    with threaded(simulator) as found:
        yield found


@pytest.fixture
def api(served: RunningSimulator) -> Iterator[UptimeKumaApi]:
    client = UptimeKumaApi(served.url, timeout=60, wait_events=0.05)
    client.login("admin", "long password")
    yield client
    client.disconnect()


def version(served: RunningSimulator) -> str:
    return str(served.simulator.facts()["version"])


def test_signing_in(served: RunningSimulator) -> None:
    with UptimeKumaApi(served.url, timeout=60) as client:
        first = version(served).startswith("1.")
        said = "Incorrect username or password." if first else "authIncorrectCreds"
        with pytest.raises(UptimeKumaException, match=said):
            client.login("admin", "guessed")
        with pytest.raises(UptimeKumaException, match="You are not logged in"):
            client.get_tags()
        assert client.need_setup() is False
        token = client.login("admin", "long password")["token"]
    with UptimeKumaApi(served.url, timeout=60) as client:
        with pytest.raises(UptimeKumaException, match=r"Invalid Token\.|authInvalidToken"):
            client.login_by_token("eyJ.x.y")
        client.login_by_token(token)
        assert client.version == version(served)


def until(ask: Callable[[], dict[int, Any]], keys: Iterable[int]) -> dict[int, Any]:
    """What the client has gathered, once it has all of these."""
    ends = time.monotonic() + 20
    while not (found := ask()).keys() >= set(keys):
        assert time.monotonic() < ends, found.keys()
    return found


def test_what_is_told_after_it(served: RunningSimulator, api: UptimeKumaApi) -> None:
    names = {one["id"]: one["name"] for one in api.get_monitors()}
    assert names[1] == "Media" and names[2] == "Plex"
    plex = next(one for one in api.get_monitors() if one["id"] == 2)
    assert (plex["type"], plex["parent"], plex["pathName"]) == (MonitorType.HTTP, 1, "Media / Plex")
    # The first generation sends the rest a moment later.
    beats = until(api.get_heartbeats, names)
    assert len(beats[2]) == 100
    assert beats[2][-1]["status"] == MonitorStatus.UP
    assert 20 < until(api.avg_ping, names)[2] < 60
    assert 0.9 < until(api.uptime, names)[2][24] <= 1.0
    assert until(api.cert_info, {2})[2]["certInfo"]["daysRemaining"] > 0
    assert "home" in [page["slug"] for page in api.get_status_pages()]
    assert api.get_monitor_beats(2, 1)[-1]["monitor_id"] == 2
    with pytest.raises(UptimeKumaException, match="Cannot read properties of null"):
        api.get_monitor(9999)


def test_events_of_the_first_generation_only(served: RunningSimulator, api: UptimeKumaApi) -> None:
    if version(served).startswith("1."):
        assert until(api.get_important_heartbeats, {2})[2]
    else:
        api.timeout = 0.3
        with pytest.raises(Timeout):
            api.get_important_heartbeats()


def test_adding_pausing_and_removing(served: RunningSimulator, api: UptimeKumaApi) -> None:
    key = api.add_monitor(type=MonitorType.HTTP, name="New", url="https://new.example")["monitorID"]
    assert api.get_monitor(key)["name"] == "New"
    assert until(api.get_heartbeats, {key})[key][-1]["status"] == MonitorStatus.UP
    api.edit_monitor(key, name="Newer")
    assert api.get_monitor(key)["name"] == "Newer"
    api.pause_monitor(key)
    assert api.get_monitor(key)["active"] is False
    api.resume_monitor(key)
    # This client asks its own list first, which the second generation does not send again for one monitor.
    api._call("deleteMonitor", key)
    with pytest.raises(UptimeKumaException):
        api.get_monitor(key)
    kinds = [entry["kind"] for entry in served.simulator.ledger.entries()]
    assert "monitor.added" in kinds and "monitor.deleted" in kinds


def test_the_second_generation_wants_conditions(served: RunningSimulator, api: UptimeKumaApi) -> None:
    monitor = api._build_monitor_data(type=MonitorType.HTTP, name="Old way", url="https://x.example")
    monitor.pop("conditions", None)
    if version(served).startswith("1."):
        api._call("deleteMonitor", api._call("add", monitor)["monitorID"])
    else:
        with pytest.raises(UptimeKumaException, match="conditions"):
            api._call("add", monitor)


def test_status_pages_and_incidents(served: RunningSimulator, api: UptimeKumaApi) -> None:
    page = api.get_status_page("home")
    assert {group["name"] for group in page["publicGroupList"]} == {"Media", "Network", "Services"}
    posted = api.post_incident("home", "Away", "Back soon")
    assert posted["title"] == "Away"
    with urllib.request.urlopen(f"{served.url}/api/status-page/HOME?fresh=1") as reply:
        public = json.load(reply)
    told = public["incidents"] if version(served) == "2.5.3" else [public["incident"]]
    assert [one["title"] for one in told] == ["Away"]
    api.unpin_incident("home")


def test_notifications(served: RunningSimulator, api: UptimeKumaApi) -> None:
    key = api.add_notification(
        type="webhook", name="Hook", webhookURL="http://127.0.0.1:9/", webhookContentType="json"
    )["id"]
    assert [one["webhookURL"] for one in api.get_notifications()] == ["http://127.0.0.1:9/"]
    api.delete_notification(key)
    assert api.get_notifications() == []


def fetch(url: str, password: str | None = None, user: str = "") -> tuple[int, bytes]:
    request = urllib.request.Request(url)
    if password is not None:
        coded = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {coded}")
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_metrics_as_prometheus_reads_them(tmp_path: Path) -> None:
    simulator = KumaSimulator(data_dir=tmp_path)
    world = simulator.world
    world.add('Quo"te\\slash\nline', type="push")
    world.add("Never checked").beats(lambda monitor: [])
    with threaded(simulator) as served:
        assert fetch(f"{served.url}/metrics") == (401, b"")
        assert fetch(f"{served.url}/metrics", "guessed", "admin") == (401, b"")
        status, text = fetch(f"{served.url}/metrics", "long password", "admin")
        assert status == 200
        families = {one.name: one for one in text_string_to_metric_families(text.decode())}
        rows = {sample.labels["monitor_name"]: sample for sample in families["monitor_status"].samples}
        assert 'Quo"te\\slash\nline' in rows and "Never checked" not in rows and "Old NAS" not in rows
        assert rows["Router"].labels["monitor_url"] == "https://"
        assert rows["Router"].labels["monitor_port"] == "null"
        assert rows["Plex"].labels["monitor_id"] == "2" and rows["Plex"].value == 1
        group = [
            one for one in families["monitor_response_time"].samples if one.labels["monitor_name"] == "Media"
        ]
        assert group[0].value == -1
        assert families["monitor_cert_is_valid"].samples and families["monitor_uptime_ratio"].samples
        client = UptimeKumaApi(served.url, timeout=60)
        client.login("admin", "long password")
        key = client.add_api_key(name="portal", expires=None, active=True)["key"]
        client.disconnect()
        # From now on only keys count, and a key too many times looks like a wrong one; while we ask, no time passes.
        world.key_uses = Limiter(60, lambda: 0.0)
        assert fetch(f"{served.url}/metrics", "long password", "admin")[0] == 401
        assert [fetch(f"{served.url}/metrics", key, "whoever")[0] for _ in range(62)][-1] == 401
        world.key_uses.fill()
        assert fetch(f"{served.url}/metrics", key)[0] == 200


def test_a_second_factor_counts_once(tmp_path: Path) -> None:
    with threaded(KumaSimulator(data_dir=tmp_path, secret=SECRET)) as served:
        code = pyotp.TOTP(SECRET).now()
        with UptimeKumaApi(served.url, timeout=60) as client:
            assert client.login("admin", "long password") == {"tokenRequired": True}
            assert client.login("admin", "long password", code)["token"]
            assert client.twofa_status() == {"status": True}
        with UptimeKumaApi(served.url, timeout=60) as client, pytest.raises(UptimeKumaException):
            client.login("admin", "long password", code)


def test_too_many_sign_ins(tmp_path: Path) -> None:
    simulator = KumaSimulator(data_dir=tmp_path)
    simulator.world.logins = Limiter(20, lambda: 0.0)
    with threaded(simulator) as served, UptimeKumaApi(served.url, timeout=60) as client:
        said: list[Any] = []
        for _ in range(21):
            with pytest.raises(UptimeKumaException) as refused:
                client.login("admin", "guessed")
            said.append(str(refused.value))
        assert said[0] == "authIncorrectCreds" and said[-1] == "Too frequently, try again later."
