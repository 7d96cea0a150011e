"""Debian's nginx with the files of deploy/nginx before a real portal, and what `medianest doctor` says of proxies that are wrong."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import websockets

from medianest_core.base.finding import Finding, Level
from medianest_core.base.settings import AppSettings
from medianest_core.checkup import web
from tests.e2e.processes import PYTHON, portal
from tests.servers import free_port
from tests.services import nginx as nginx_program

PASSWORD = "a long enough password"
DEPLOY = Path(__file__).parents[3] / "deploy"


class Nginx:
    """A running nginx. edit changes the site's text before it starts."""

    def __init__(self, folder: Path, upstream: int, location: str, edit: Callable[[str], str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        site = (DEPLOY / "nginx/medianest.conf").read_text("utf-8")
        site = site.replace("web:8484", f"127.0.0.1:{upstream}")
        site = site.replace("listen 80 default_server", f"listen 127.0.0.1:{self.port}")
        site = site.replace("    listen [::]:80 default_server;\n", "")
        (folder / "medianest").mkdir(parents=True)
        (folder / "medianest/location.conf").write_text(
            (DEPLOY / f"nginx/locations/{location}.conf").read_text("utf-8")
        )
        (folder / "site.conf").write_text(edit(site), encoding="utf-8")
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log;"
            f"events {{}} http {{ access_log off; {temporary} include {folder}/site.conf; }}\n",
            encoding="utf-8",
        )
        program = nginx_program()
        assert program is not None, "nginx is missing; run `make services`"
        self.command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]

    def test(self) -> None:
        """`nginx -t`."""
        done = subprocess.run([*self.command, "-t"], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        assert "[warn]" not in done.stderr

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        self.test()
        process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    httpx.get(self.url, timeout=30)
                    break
                except httpx.TransportError:
                    assert process.poll() is None and time.monotonic() < deadline
                    time.sleep(0.05)
            yield self.url
        finally:
            process.terminate()
            process.wait(60)


def unchanged(site: str) -> str:
    return site


def settings(url: str, root_path: str = "", **more: object) -> AppSettings:
    given = {"public_url": url + root_path, "root_path": root_path, "trusted_proxies": ["127.0.0.1"], **more}
    return AppSettings(**given, _env_file=None)  # type: ignore[arg-type]  # a mixture of types


def said(found: list[Finding], check: str) -> Finding:
    (one,) = [finding for finding in found if finding.check == check]
    return one


async def opens(url: str, cookies: httpx.Cookies) -> str:
    origin = url.split("/medianest", maxsplit=1)[0]
    async with websockets.connect(
        f"{url.replace('http', 'ws', 1)}/live/socket.io/?EIO=4&transport=websocket",
        origin=origin,  # type: ignore[arg-type]  # a plain text will do
        additional_headers={"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())},
        open_timeout=60,
    ) as socket:
        return str(await socket.recv())


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first page and the first socket of a portal that has just started may take long on a busy machine."""
    monkeypatch.setattr(web, "PATIENCE", 60.0)


@pytest.mark.full
@pytest.mark.parametrize(("location", "root"), [("root", ""), ("subpath", "/medianest")])
def test_the_samples_serve_pages_files_and_websockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, root: str
) -> None:
    subprocess.run(
        [
            *PYTHON,
            "users",
            "create-admin",
            "ann",
            "--password",
            PASSWORD,
            "--data-dir",
            str(tmp_path / "data"),
        ],
        check=True,
        capture_output=True,
        env=_environment(),
        timeout=60,
    )
    monkeypatch.setattr(
        "tests.e2e.processes.environment",
        lambda **more: _environment(MEDIANEST_TRUSTED_PROXIES="127.0.0.1", MEDIANEST_ROOT_PATH=root, **more),
    )
    with portal(tmp_path / "data", link=False) as running:
        upstream = int(running.url.removesuffix(root).rsplit(":", 1)[1])
        with (
            Nginx(tmp_path / "nginx", upstream, location, unchanged).running() as url,
            httpx.Client(timeout=60) as client,
        ):
            page = client.get(f"{url}{root}/sign-in", follow_redirects=True)
            assert page.status_code == 200
            assert f'href="{root}/static/dist/' in page.text
            asset = page.text.split(f'href="{root}/static/', 1)[1].split('"')[0]
            assert client.get(f"{url}{root}/static/{asset}").status_code == 200
            assert client.get(f"{url}{root}/healthz").text == "ok\n"
            if root:
                assert client.get(f"{url}{root}").headers["location"] == f"{url}{root}/"
            given = {"username": "ann", "password": PASSWORD}
            origin = {"Origin": url}
            client.post(f"{url}{root}/api/v1/sign-in/local", json=given, headers=origin).raise_for_status()
            assert asyncio.run(opens(url + root, client.cookies)).startswith("0{")
            found = web.check(settings(url, root))
            assert [one for one in found if one.level is Level.PROBLEM] == []
            assert said(found, "websocket").level is Level.OK
            wrong = web.check(settings(url, "/elsewhere"))
            assert said(wrong, "public address").level is Level.PROBLEM
    # The portal has gone; nginx says so in words, and so does the doctor.
    with Nginx(tmp_path / "again", upstream, location, unchanged).running() as url:
        away = httpx.get(f"{url}{root}/healthz", timeout=60)
        assert away.status_code == 503
        assert away.headers["retry-after"] == "5"
        assert "being updated" in away.text
        gone = said(web.check(settings(url, root)), "public address")
        assert gone.level is Level.PROBLEM
        assert "finds no portal" in gone.text


def _environment(**more: str) -> dict[str, str]:
    import os

    return {key: value for key, value in os.environ.items() if not key.startswith("MEDIANEST_")} | more


FAULTS = {
    "no websocket": (
        lambda site: site.replace("proxy_set_header Upgrade ", "proxy_set_header X-Nothing "),
        "does not pass websockets on",
        "Upgrade and Connection",
    ),
    "another host": (
        lambda site: site.replace("$http_host;", "internal.example;"),
        "foreign one",
        "proxy_set_header Host",
    ),
}


@pytest.mark.full
@pytest.mark.parametrize("fault", FAULTS)
def test_the_doctor_names_what_a_proxy_does_wrong(tmp_path: Path, fault: str) -> None:
    edit, text, remedy = FAULTS[fault]
    with portal(tmp_path / "data", link=True) as running:
        upstream = int(running.url.rsplit(":", 1)[1])
        with Nginx(tmp_path / "nginx", upstream, "root", edit).running() as url:
            found = said(web.check(settings(url)), "websocket")
    assert found.level is Level.PROBLEM
    assert text in found.text
    assert remedy in found.remedy


@pytest.mark.full
def test_sign_in_is_fenced_by_address_and_pages_are_not(tmp_path: Path) -> None:
    with portal(tmp_path / "data", link=True) as running:
        upstream = int(running.url.rsplit(":", 1)[1])
        with (
            Nginx(tmp_path / "nginx", upstream, "root", unchanged).running() as url,
            httpx.Client(base_url=url, timeout=60) as client,
        ):
            tries = [client.post("/api/v1/sign-in/local", json={}).status_code for _ in range(60)]
            assert tries[0] != 429
            assert 429 in tries[31:]
            assert {client.get("/healthz").status_code for _ in range(60)} == {200}
