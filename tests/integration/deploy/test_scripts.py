"""The scripts of the container, run as they are."""

from __future__ import annotations

import http.server
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[3] / "deploy"
ROOT_ONLY = os.geteuid() == 0


def _entry(tmp_path: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "MEDIANEST_DATA_DIR": str(tmp_path / "data"),
        "MEDIANEST_DOWNLOADS_DIR": str(tmp_path / "downloads"),
        **more,
    }
    return subprocess.run(
        ["sh", str(DEPLOY / "entrypoint.sh"), *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.fixture
def volumes() -> Iterator[Path]:
    """A folder that other accounts may enter, as the root of a container is."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_entry_becomes_who_was_chosen_and_hands_over_the_volumes(volumes: Path) -> None:
    (volumes / "data").mkdir()
    (volumes / "data/medianest.db").write_text("kept")
    script = 'id -u; id -g; id -G; cat "$MEDIANEST_DATA_DIR/medianest.db"; touch "$MEDIANEST_DOWNLOADS_DIR/new"; echo " $HOME"'
    done = _entry(volumes, "sh", "-c", script, PUID="1234", PGID="1235")
    assert done.returncode == 0, done.stderr
    if not ROOT_ONLY:
        # Started as somebody: stays that.
        assert done.stdout.splitlines()[0] == str(os.geteuid())
        return
    assert done.stdout.splitlines() == ["1234", "1235", "1235", f"kept {volumes / 'data'}"]
    for path in (volumes / "data", volumes / "data/medianest.db", volumes / "downloads/new"):
        assert (path.stat().st_uid, path.stat().st_gid) == (1234, 1235), path


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"PUID": "ann"}, "are numbers"),
        ({"PGID": ""}, ""),
        ({"PUID": "0"}, "would run the portal as root"),
        ({"PGID": "10;id"}, "are numbers"),
    ],
)
def test_entry_refuses_accounts_that_make_no_sense(tmp_path: Path, given: dict[str, str], said: str) -> None:
    done = _entry(tmp_path, "true", **given)
    if not ROOT_ONLY or not said:
        assert done.returncode == 0
        return
    assert done.returncode == 2
    assert said in done.stderr


def test_entry_hands_on_signals_and_the_exit_code(tmp_path: Path) -> None:
    assert _entry(tmp_path, "sh", "-c", "exit 7").returncode == 7
    # The shell is replaced by the command, so a signal from tini reaches the portal itself.
    assert re.search(r"^exec setpriv .* -- \"\$@\"$", (DEPLOY / "entrypoint.sh").read_text("utf-8"), re.M)


def test_secrets_are_made_once_and_fit_together(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    command = ["sh", str(DEPLOY / "secrets.sh"), str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    first = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    assert set(first) == {"database_url", "redis_url", "postgres_password", "redis_password", "redis.conf"}
    assert re.fullmatch(r"[A-Za-z0-9]{40}", first["postgres_password"])
    assert first["postgres_password"] != first["redis_password"]
    assert f":{first['postgres_password']}@postgres:" in first["database_url"]
    assert f":{first['redis_password']}@redis:" in first["redis_url"]
    assert f"requirepass {first['redis_password']}\n" in first["redis.conf"]
    assert folder.stat().st_mode & 0o777 == 0o700
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    assert {path.name: path.read_text("utf-8") for path in folder.iterdir()} == first


def test_redis_starts_with_the_file_that_was_made(tmp_path: Path) -> None:
    from tests.servers import free_port
    from tests.services import redis_server

    folder = tmp_path / "secrets"
    subprocess.run(["sh", str(DEPLOY / "secrets.sh"), str(folder)], check=True, capture_output=True)
    made = (folder / "redis.conf").read_text("utf-8").replace("dir /data", f"dir {tmp_path}")
    port = free_port()
    (tmp_path / "redis.conf").write_text(f"{made}port {port}\nbind 127.0.0.1\n", encoding="utf-8")
    program = redis_server()
    assert program is not None
    process = subprocess.Popen([str(program), str(tmp_path / "redis.conf")], stdout=subprocess.DEVNULL)
    try:
        import redis

        password = (folder / "redis_password").read_text("utf-8")
        from redis.backoff import ConstantBackoff
        from redis.retry import Retry

        client = redis.Redis(
            port=port,
            password=password,
            retry=Retry(ConstantBackoff(0.05), 1200),
            retry_on_error=[OSError, redis.ConnectionError],
        )
        assert client.ping()
        assert client.info("persistence")["aof_enabled"] == 1
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=port, retry=Retry(ConstantBackoff(0), 0)).ping()
        client.close()
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def _answering(status: int, body: bytes) -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def _health(port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", str(DEPLOY / "healthcheck.py")],
        env={"MEDIANEST_PORT": str(port)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_health_check_tells_ready_from_not_ready_and_from_nobody() -> None:
    with _answering(200, b'{"ready": true}') as port:
        assert (done := _health(port)).returncode == 0
        assert "ready" in done.stdout
    gone = _health(port)
    assert gone.returncode == 1
    assert "nothing answers" in gone.stdout
    with _answering(503, b'{"missing": ["database"]}') as port:
        assert (done := _health(port)).returncode == 1
        assert "database" in done.stdout


def test_build_and_install_scripts_refuse_what_is_not_there(tmp_path: Path) -> None:
    for given, said in (
        ([], "usage:"),
        ([str(tmp_path), str(tmp_path / "venv")], "no requirements.lock"),
    ):
        done = subprocess.run(["sh", str(DEPLOY / "install.sh"), *given], capture_output=True, text=True)
        assert done.returncode != 0
        assert said in done.stderr
    (tmp_path / "requirements.lock").touch()
    done = subprocess.run(
        ["sh", str(DEPLOY / "install.sh"), str(tmp_path), str(tmp_path / "venv")],
        capture_output=True,
        text=True,
    )
    assert "no wheels" in done.stderr
    assert not (tmp_path / "venv").exists()
