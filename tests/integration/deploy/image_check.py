"""The image, built as it stands and tried in containers: `make image-check`.

Needs an engine (Docker or Podman) that reaches a registry or has the base image, so it is no test of the suite. Other options go to
the engine's `build`: `make image-check ARGS="--build-arg PYTHON_VERSION=3.12"`. It leaves the image, and no container or volume.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
IMAGE = "localhost/medianest:check"
PASSWORD = "a password for trying"
_PATIENCE = 120.0


class Engine:
    """Docker or Podman. mark: what the names of everything that is made here begin with."""

    def __init__(self, program: str) -> None:
        self.program = program
        self.mark = f"medianest-check-{secrets.token_hex(4)}"
        self.portal = f"{self.mark}-portal"
        self.volumes = [f"{self.mark}-data:/data", f"{self.mark}-downloads:/downloads"]
        single = YAML(typ="safe").load((ROOT / "deploy" / "compose.single.yaml").read_text("utf-8"))
        service = single["services"]["medianest"]
        self.fences = [f"--cap-drop={one}" for one in service["cap_drop"]]
        self.fences += [f"--security-opt={one.removesuffix(':true')}" for one in service["security_opt"]]
        self.powers = [f"--cap-add={one}" for one in service["cap_add"]]

    def do(self, *arguments: str, code: int = 0) -> str:
        """What it says on both channels, the engine's own remarks first. code: with what it must end."""
        done = subprocess.run(
            [self.program, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=600
        )
        said = done.stderr + done.stdout
        assert done.returncode == code, f"{arguments} ended with {done.returncode}:\n{said[-4000:]}"
        return said

    def build(self, extra: list[str]) -> None:
        # Podman's own format has no health check.
        form = ["--format=docker"] if "podman" in self.program else []
        command = [self.program, "build", *form, *extra, "-f", "deploy/Dockerfile", "-t", IMAGE, "."]
        subprocess.run(command, cwd=ROOT, check=True)

    def run(self, *options: str, command: tuple[str, ...] = (), code: int = 0, powers: bool = True) -> str:
        """In a container that is gone afterwards, on the portal's volumes and as compose.single.yaml fences it in."""
        volumes = [f"--volume={one}" for one in self.volumes]
        given = self.powers if powers else []
        return self.do("run", "--rm", *self.fences, *given, *volumes, *options, IMAGE, *command, code=code)

    def execute(self, *command: str, user: str = "0:0") -> str:
        return self.do("exec", "-u", user, self.portal, *command)

    def tidy(self) -> None:
        for command in (
            ["rm", "-f", self.portal],
            ["volume", "rm", *(v.split(":")[0] for v in self.volumes)],
        ):
            with contextlib.suppress(AssertionError):
                self.do(*command)


def until(check: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not check():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.2)


def start(engine: Engine, owner: str) -> None:
    user, _, group = owner.partition(":")
    volumes = [f"--volume={one}" for one in engine.volumes]
    settings = [f"--env=PUID={user}", f"--env=PGID={group}", "--publish=127.0.0.1::8484"]
    named = ["--detach", "--name", engine.portal, "--stop-timeout=30"]
    engine.do("run", *named, *engine.fences, *engine.powers, *volumes, *settings, IMAGE)


def address(engine: Engine) -> str:
    """Of the portal, once it is ready; a container that is started again may have another port."""
    url = f"http://127.0.0.1:{engine.do('port', engine.portal, '8484/tcp').strip().rpartition(':')[2]}"

    def ready() -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
        return False

    until(ready, f"the portal answers at {url}")
    return url


def healthy(engine: Engine) -> None:
    (image,) = json.loads(engine.do("image", "inspect", IMAGE))
    test = (image.get("Config") or {}).get("Healthcheck") or image.get("Healthcheck")
    assert test, "the image has no health check"
    kind, *command = test["Test"]
    assert kind == "CMD"
    assert '"ready":true' in engine.execute(*command)


def serves(engine: Engine, url: str) -> None:
    until(lambda: "/setup?token=" in engine.do("logs", engine.portal), "the log names the link to the wizard")
    page = httpx.get(f"{url}/sign-in", follow_redirects=True)
    assert page.status_code == 200
    found = re.findall(r'(?:href|src)="(/static/dist/[^"]+)"', page.text)
    assert found
    for one in found:
        assert httpx.get(url + one).status_code == 200, one


def gave_up_root(engine: Engine, owner: str) -> None:
    user, _, group = owner.partition(":")
    said = engine.execute("sh", "-c", "grep -HE '^(Uid|Gid|CapEff|NoNewPrivs)' /proc/[0-9]*/status")
    facts: dict[str, dict[str, list[str]]] = {}
    for pid, name, values in re.findall(r"/proc/(\d+)/status:(\w+):\s+(.*)", said):
        facts.setdefault(pid, {})[name] = values.split()
    portal = [one for one in facts.values() if one["Uid"] == [user] * 4]
    assert portal, said
    for one in portal:
        assert one["Gid"] == [group] * 4
        assert int(one["CapEff"][0], 16) == 0
    assert all(one["NoNewPrivs"] == ["1"] for one in facts.values())
    folders = f"find /data /downloads ! -uid {user} -o ! -gid {group}"
    assert engine.execute("sh", "-c", folders) == ""


def commands_work(engine: Engine, owner: str) -> None:
    assert "All is well." in engine.execute("medianest", "doctor", user=owner)
    assert "restored into a scratch database" in engine.execute("medianest", "backup", user=owner)


def keeps_its_data(engine: Engine, owner: str) -> None:
    """Stopped within its time, started again, and whoever was signed in still is."""
    make = ["exec", "-u", owner, "-e", f"MEDIANEST_ADMIN_PASSWORD={PASSWORD}", engine.portal]
    engine.do(*make, "medianest", "users", "create-admin", "ann")
    url = address(engine)
    answer = httpx.post(
        f"{url}/api/v1/sign-in/local",
        json={"username": "ann", "password": PASSWORD},
        headers={"Origin": url},
    ).raise_for_status()
    cookies = dict(answer.cookies)
    stop(engine)
    engine.do("start", engine.portal)
    me = httpx.get(f"{address(engine)}/api/v1/me", cookies=cookies)
    assert me.json()["username"] == "ann"


def stop(engine: Engine) -> None:
    engine.do("stop", engine.portal)
    assert engine.do("inspect", "--format", "{{.State.ExitCode}}", engine.portal).split()[-1] == "0"


def other_accounts(engine: Engine) -> None:
    """The volumes go to a new PUID:PGID; root is refused; an account that may not write is told so."""
    look = ("sh", "-c", "stat -c %u:%g /data/keys.json && id -u && touch /data/x && rm /data/x")
    assert engine.run("--env=PUID=1500", "--env=PGID=1600", command=look).split()[-2:] == [
        "1500:1600",
        "1500",
    ]
    assert engine.run("--user=1500:1600", command=look, powers=False).split()[-1] == "1500"
    assert "ordinary account" in engine.run("--env=PUID=0", code=2)
    assert "are numbers" in engine.run("--env=PUID=me", code=2)
    assert "cannot be written to by the account with the number 4000" in engine.run(
        "--user=4000:4000", code=1, powers=False
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--engine", help="program; default: docker, else podman")
    parser.add_argument("--built", action="store_true", help=f"take {IMAGE} as it is, without building")
    options, extra = parser.parse_known_args()
    program = options.engine or shutil.which("docker") or shutil.which("podman")
    if program is None:
        sys.exit("There is no engine: install Docker or Podman, or name one with --engine.")
    engine, owner = Engine(program), "1234:2345"
    if not options.built:
        engine.build(extra)
    try:
        start(engine, owner)
        url = address(engine)
        steps: dict[str, Callable[[], None]] = {
            "healthy": lambda: healthy(engine),
            "serves pages, files and the link to the wizard": lambda: serves(engine, url),
            "runs as PUID:PGID without powers": lambda: gave_up_root(engine, owner),
            "doctor and backup as that account": lambda: commands_work(engine, owner),
            "keeps data and sessions when it is started again": lambda: keeps_its_data(engine, owner),
            "stops by itself in time": lambda: stop(engine),
            "volumes follow other accounts; what cannot work is refused": lambda: other_accounts(engine),
        }
        for name, step in steps.items():
            step()
            print(f"ok: {name}", flush=True)
    finally:
        engine.tidy()
    print("The image is as it should be.")


if __name__ == "__main__":
    main()
