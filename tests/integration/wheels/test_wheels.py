"""The portal as people install it: from wheels, with a plugin's wheel added and taken away again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import websockets

from medianest_core.cli.author.kinds import KINDS
from tests.integration.wheels.conftest import ROOT, uv

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]
PASSWORD = "a long enough password"


@contextlib.contextmanager
def serving(venv: Path, data: Path, clean: dict[str, str]) -> Iterator[str]:
    """The installed `medianest serve`, on a free port; gives its address."""
    data.parent.mkdir(parents=True, exist_ok=True)
    log = data.parent / "serve.log"
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [str(venv / "bin/medianest"), "serve", "--port", "0", "--data-dir", str(data)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**clean, "PYTHONUNBUFFERED": "1"},
            cwd=data.parent,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("MediaNest is at "), log.read_text(encoding="utf-8")[-3000:]
        yield line.split()[-1]
    finally:
        process.terminate()
        assert process.wait(60) == 0, log.read_text(encoding="utf-8")[-3000:]
    assert "Traceback" not in log.read_text(encoding="utf-8")


def admin(venv: Path, data: Path, clean: dict[str, str]) -> None:
    subprocess.run(
        [
            str(venv / "bin/medianest"),
            "users",
            "create-admin",
            "ann",
            "--password",
            PASSWORD,
            "--data-dir",
            str(data),
        ],
        env=clean,
        cwd=venv.parent,
        check=True,
        capture_output=True,
        timeout=60,
    )


@contextlib.contextmanager
def signed_in(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers={"Origin": address}, timeout=30) as client:
        person = {"username": "ann", "password": PASSWORD}
        client.post("/api/v1/sign-in/local", json=person).raise_for_status()
        yield client


def _plugins(venv: Path, data: Path, clean: dict[str, str]) -> set[str]:
    told = subprocess.run(
        [str(venv / "bin/medianest"), "plugins", "list", "--json"],
        env={**clean, "MEDIANEST_DATA_DIR": str(data)},
        cwd=venv.parent,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return {one["name"] for one in json.loads(told.stdout)}


def test_wheels_serve_the_portal_without_node_or_checkout(
    installed: Path, clean: dict[str, str], tmp_path: Path
) -> None:
    where = subprocess.run(
        [
            str(installed / "bin/python"),
            "-c",
            "import medianest_core, sys; print(medianest_core.__file__); print(*sys.path)",
        ],
        env=clean,
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert str(installed) in where
    assert str(ROOT) not in where
    admin(installed, tmp_path / "data", clean)
    with serving(installed, tmp_path / "data", clean) as address, httpx.Client(base_url=address) as client:
        page = client.get("/sign-in")
        assert page.status_code == 200
        assert 'name="password"' in page.text
        found = set(re.findall(r'(?:href|src)="(/static/[^"#?]+)', page.text))
        assert {Path(one).suffix for one in found} >= {".css", ".js"}
        for one in found:
            asset = client.get(one)
            assert (asset.status_code, len(asset.content) > 0) == (200, True), one
        german = client.get("/sign-in", headers={"Accept-Language": "de"})
        assert 'lang="de"' in german.text
        assert "Anmelden" in german.text
    assert _plugins(installed, tmp_path / "data", clean) >= {
        "local", "plex", "overseerr", "uptimekuma", "youtube", "arr", "tmdb", "manifest"
    }  # fmt: skip


def test_a_plugins_wheel_brings_everything_and_takes_it_away(
    installed: Path, clean: dict[str, str], tmp_path: Path
) -> None:
    build = [
        uv(),
        "build",
        "-q",
        "--wheel",
        "--no-build-isolation",
        "--python",
        str(ROOT / ".venv/bin/python"),
    ]
    build += ["--out-dir", str(tmp_path / "wheels"), str(ROOT / "examples/hello")]
    subprocess.run(build, check=True, timeout=120)
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    python = str(installed / "bin/python")
    data = tmp_path / "portal/data"
    data.parent.mkdir()
    admin(installed, data, clean)
    subprocess.run(
        [uv(), "pip", "install", "-q", "--offline", "--python", python, str(wheel)], check=True, timeout=120
    )
    with serving(installed, data, clean) as address, signed_in(address) as client:
        home = client.get("/").text
        assert 'href="/p/hello/"' in home, "no entry in the navigation"
        assert "/fragments/card/hello:count" in home, "no card"
        card = client.get("/fragments/card/hello:count")
        assert card.status_code == 200
        assert "0 of 10" in card.text
        page = client.get("/p/hello/")
        assert page.status_code == 200
        assert "Hello, ann" in page.text
        seen = asyncio.run(_count(address, client))
        assert seen[-1] == {"number": 10, "runs": 1}
        assert "10 of 10" in client.get("/fragments/card/hello:count").text
        jobs = client.get("/admin/jobs").text
        assert "Count to ten" in jobs or "hello.count" in jobs
    subprocess.run(
        [uv(), "pip", "uninstall", "-q", "--python", python, "medianest-hello"], check=True, timeout=60
    )
    with serving(installed, data, clean) as address, signed_in(address) as client:
        for path in ("/", "/admin", "/admin/jobs", "/admin/plugins", "/admin/services"):
            page = client.get(path)
            assert page.status_code == 200, path
            assert "/p/hello/" not in page.text, path
        assert client.get("/p/hello/").status_code == 404
        assert client.get("/fragments/card/hello:count").status_code == 404


SAMPLED = tuple(KINDS) if "EVERY_KIND" in os.environ else ("status", "notifier", "page")
TOOLS = ("pytest", "_pytest", "iniconfig", "pygments", "py.py")


def test_begun_plugins_work_where_they_are_installed(
    installed: Path, clean: dict[str, str], tmp_path: Path
) -> None:
    python, program = str(installed / "bin/python"), str(installed / "bin/medianest")
    mine, data = {**clean, "MEDIANEST_DATA_DIR": str(tmp_path / "portal/data")}, tmp_path / "portal/data"
    data.parent.mkdir()
    folders = []
    for kind in SAMPLED:
        begin = [program, "plugins", "new", f"sample-{kind}", "--kind", kind, "--dir", str(tmp_path)]
        subprocess.run(begin, env=mine, check=True, capture_output=True, timeout=60)
        folders.append(tmp_path / f"medianest-sample-{kind}")
        build = [str(ROOT / ".venv/bin/python"), "-m", "hatchling", "build", "-t", "wheel"]
        subprocess.run(
            [*build, "-d", str(tmp_path / "wheels")],
            cwd=folders[-1],
            check=True,
            capture_output=True,
            timeout=120,
        )
    wheels = [str(one) for one in (tmp_path / "wheels").glob("*.whl")]
    assert len(wheels) == len(SAMPLED)
    install = [uv(), "pip", "install", "-q", "--offline", "--no-deps", "--python", python]
    subprocess.run([*install, *wheels], check=True, timeout=120)
    try:
        (tmp_path / "tools").mkdir()
        site = Path(pytest.__file__).parents[1]
        for name in TOOLS:
            (tmp_path / "tools" / name).symlink_to(site / name)
        tests = [str(folder / "tests") for folder in folders]
        options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "--rootdir", str(tmp_path)]
        done = subprocess.run(
            [python, "-m", "pytest", *options, *tests],
            cwd=tmp_path,
            env={**mine, "PYTHONPATH": str(tmp_path / "tools")},
            capture_output=True,
            text=True,
            timeout=500,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        look = [program, "plugins", "check", "sample_page", "--strict"]
        done = subprocess.run(look, cwd=tmp_path, env=mine, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        admin(installed, data, clean)
        with serving(installed, data, clean) as address, signed_in(address) as client:
            page = client.get("/admin/plugins").text
            for kind in SAMPLED:
                assert f"/admin/plugins/sample_{kind}" in page, kind
            assert 'href="/p/sample_page/"' in client.get("/").text
            assert "There is nothing to show yet." in client.get("/p/sample_page/").text
            told = {one["name"]: one["state"] for one in client.get("/api/v1/plugins").json()}
            assert {told[f"sample_{kind}"] for kind in SAMPLED} == {"needs_settings"}
    finally:
        names = [f"medianest-sample-{kind}" for kind in SAMPLED]
        subprocess.run([uv(), "pip", "uninstall", "-q", "--python", python, *names], check=True, timeout=60)


async def _count(address: str, client: httpx.Client) -> list[dict[str, int]]:
    """Press the button and listen: what the live event said, number by number."""
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    seen: list[dict[str, int]] = []
    async with (
        asyncio.timeout(60),
        websockets.connect(
            f"{address.replace('http', 'ws', 1)}/live/socket.io/?EIO=4&transport=websocket",
            origin=address,  # type: ignore[arg-type]  # a plain text will do
            additional_headers={"Cookie": cookie},
        ) as socket,
    ):
        await socket.recv()
        await socket.send("40")
        while not str(await socket.recv()).startswith("40"):
            pass
        answer = await asyncio.to_thread(client.post, "/p/hello/count", follow_redirects=True)
        assert answer.status_code == 200
        async for message in socket:
            if message == "2":
                await socket.send("3")
            elif str(message).startswith("42"):
                name, payload = json.loads(str(message)[2:])
                if name == "hello:counted":
                    told = payload.get("data", payload)
                    seen.append({"number": told["number"], "runs": told["runs"]})
                    if told["number"] == 10:
                        break
    return seen


def test_the_source_archive_builds_the_wheel_without_node(
    wheels: Path, clean: dict[str, str], tmp_path: Path
) -> None:
    (archive,) = wheels.glob("medianest-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    assert not list(source.rglob("node_modules"))
    # The build backend runs in an environment of its own, made from what the archive itself asks for.
    subprocess.run(
        ["uv", "build", "-q", "--wheel", "--out-dir", str(tmp_path / "out"), str(source)],
        cwd=tmp_path,
        env=clean,
        check=True,
        timeout=240,
    )
    (built,) = (tmp_path / "out").glob("*.whl")
    (ours,) = wheels.glob("medianest-*.whl")
    assert _contents(built) == _contents(ours)


def _contents(wheel: Path) -> dict[str, int]:
    with zipfile.ZipFile(wheel) as opened:
        return {one.filename: one.CRC for one in opened.infolist()}


def test_wheels_hold_what_runs_and_nothing_else(wheels: Path) -> None:
    for wheel in wheels.glob("*.whl"):
        names = list(_contents(wheel))
        assert not [one for one in names if "/tests/" in one or "node_modules" in one or "/frontend/" in one]
    (core,) = wheels.glob("medianest-*.whl")
    names = list(_contents(core))
    for needed in (
        r"medianest_core/web/portal/static/dist/manifest\.json",
        r"medianest_core/web/portal/static/dist/app\.\w+\.css\.br",
        r"medianest_core/web/portal/locale/de/LC_MESSAGES/medianest\.mo",
        r"medianest_core/web/portal/templates/base\.html",
        r"medianest_core/store/migrations/versions/0001_\w+\.py",
        r"medianest_core/py\.typed",
    ):
        assert [one for one in names if re.fullmatch(needed, one)], needed
