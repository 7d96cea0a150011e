"""What holds the child, tried from within: each attempt to get out is made for real in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from medianest_youtube import confine

_START = """
import sys, os, socket, subprocess
from medianest_youtube import confine
work, port, ffmpeg, other = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
confine.private_environment(work, [ffmpeg])
held = confine.landlock([port], [work])
confine.allow_programs([ffmpeg])
def refused(what):
    try:
        what()
    except PermissionError:
        return
    raise SystemExit("not refused")
"""


class Trap:
    """A listener that counts who comes."""

    def __init__(self) -> None:
        self.met = 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.server.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                self.server.accept()[0].close()
            except OSError:
                return
            self.met += 1


@pytest.fixture
def traps() -> Iterator[tuple[Trap, Trap]]:
    """The port that may be reached, and another."""
    both = (Trap(), Trap())
    yield both
    for trap in both:
        trap.server.close()


def _bound() -> bool:
    """Where the kernel has no Landlock the child must say so; there is nothing to try then."""
    state = confine.landlock_state()
    assert state is None or state.startswith("landlock absent (")
    return state is None


def _within(tmp_path: Path, traps: tuple[Trap, Trap], attempt: str) -> subprocess.CompletedProcess[str]:
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    words = [str(work), str(traps[0].port), imageio_ffmpeg.get_ffmpeg_exe(), str(traps[1].port)]
    return subprocess.run(
        [sys.executable, "-I", "-c", _START + attempt, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_only_the_one_port_can_be_reached(tmp_path: Path, traps: tuple[Trap, Trap]) -> None:
    told = _within(
        tmp_path,
        traps,
        "socket.create_connection(('127.0.0.1', port)).close()\n"
        "refused(lambda: socket.create_connection(('127.0.0.1', other)))\n"
        "refused(lambda: socket.create_server(('127.0.0.1', 0)))\n",
    )
    assert told.returncode == 0 or not _bound(), told.stderr
    assert traps[1].met == 0 or not _bound()


def test_programs_it_starts_are_held_too(tmp_path: Path, traps: tuple[Trap, Trap]) -> None:
    """ffmpeg is handed an address in a file, where no look at its arguments finds it."""
    told = _within(
        tmp_path,
        traps,
        "open(f'{work}/list.m3u8', 'w').write(f'#EXTM3U\\n#EXT-X-TARGETDURATION:1\\n#EXTINF:1,\\ntcp://127.0.0.1:{other}\\n')\n"
        "words = [ffmpeg, '-v', 'error', '-protocol_whitelist', 'file,tcp,http', '-allowed_extensions', 'ALL', '-i', f'{work}/list.m3u8', f'{work}/out.mp4']\n"
        "raise SystemExit(0 if subprocess.run(words).returncode else 'it worked')\n",
    )
    assert told.returncode == 0 or not _bound(), told.stderr
    assert traps[1].met == 0 or not _bound()


def test_only_the_work_folder_can_be_written(tmp_path: Path, traps: tuple[Trap, Trap]) -> None:
    (tmp_path / "kept").write_text("as it was")
    told = _within(
        tmp_path,
        traps,
        "open(f'{work}/fine', 'w').close()\nopen('/dev/null', 'w').close()\n"
        "above = os.path.dirname(work)\n"
        "refused(lambda: open(f'{above}/new', 'w'))\n"
        "refused(lambda: open(f'{above}/kept', 'a'))\n"
        "refused(lambda: os.unlink(f'{above}/kept'))\n"
        "refused(lambda: os.mkdir(f'{above}/folder'))\n"
        "refused(lambda: os.symlink('/etc/passwd', f'{above}/link'))\n",
    )
    assert told.returncode == 0 or not _bound(), told.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "work"] or not _bound()
    assert not _bound() or (tmp_path / "kept").read_text() == "as it was"


def test_no_other_program_and_no_address_for_a_program(tmp_path: Path, traps: tuple[Trap, Trap]) -> None:
    told = _within(
        tmp_path,
        traps,
        "subprocess.run([ffmpeg, '-version'], stdout=subprocess.DEVNULL, check=True)\n"
        "subprocess.run([ffmpeg, '-v', 'quiet', '-metadata', 'purl=https://example.org/', '-i', 'file:none', 'out.mp4'])\n"
        "refused(lambda: subprocess.run(['/bin/sh', '-c', 'true']))\n"
        "refused(lambda: subprocess.run(['sh'], executable='/bin/sh'))\n"
        "refused(lambda: subprocess.run('true', shell=True))\n"
        "refused(lambda: os.system('true'))\n"
        "refused(lambda: os.execv('/bin/true', ['true']))\n"
        "refused(lambda: os.posix_spawn('/bin/true', ['true'], {}))\n"
        "for word in ('http://127.0.0.1/x', 'rtmp://x/y', 'concat:a|b', 'HTTPS://x', 'tcp://x', '//x/y', 'subfile:x'):\n"
        "    refused(lambda: subprocess.run([ffmpeg, '-i', word, 'out.mp4']))\n",
    )
    assert told.returncode == 0, told.stderr


def test_nothing_of_the_environment_stays(
    tmp_path: Path, traps: tuple[Trap, Trap], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "MEDIANEST_DATABASE_URL", "SOME_TOKEN", "PYTHONSTARTUP", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, "canary")
    told = _within(tmp_path, traps, "print(dict(os.environ))\n")
    assert told.returncode == 0 and "canary" not in told.stdout
    assert "'HOME'" in told.stdout


def test_where_landlock_is_absent_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert confine.landlock([1], ["/"]) == "landlock absent (not Linux)"
