"""What holds the yt-dlp child: it ends with its parent, owns its folder, and reaches one port and two programs (stdlib only).

Landlock (Linux 6.7 and newer) is the only one that binds ffmpeg and C libraries too; `confine` reports where it is absent.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import signal
import struct
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH, _RULE_NET_PORT = 1, 2
_NET_BIND_TCP, _NET_CONNECT_TCP = 1, 2
_PR_SET_NO_NEW_PRIVS = 38
# Every right that changes a file system, by Landlock's bit: write, remove, make of each kind, refer, truncate.
_FS_WRITES = sum(1 << bit for bit in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14))
_FS_FILE_WRITES = (1 << 1) | (1 << 14)

_SCHEME = re.compile(
    r"(?:[a-z][a-z0-9+.-]*:)?//|(?:concat|subfile|crypto|data|pipe|tcp|udp|rtmp\w*|tls|unix):", re.IGNORECASE
)


class FolderBusy(RuntimeError):
    """Another process works in this folder."""


def private_environment(home: str, programs: Iterable[str]) -> None:
    """Nothing of the parent's environment but where certificates are: no proxies, no tokens, no configuration folders."""
    kept = {
        name: os.environ[name]
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SYSTEMROOT")
        if name in os.environ
    }
    folders = dict.fromkeys(str(Path(program).parent) for program in programs)
    os.environ.clear()
    os.environ.update(kept)
    os.environ.update(
        HOME=home,
        TMPDIR=home,
        XDG_CACHE_HOME=home,
        XDG_CONFIG_HOME=home,
        LANG="C.UTF-8",
        PATH=os.pathsep.join(folders) or "/nonexistent",
    )


def lead_group() -> None:
    """The child leads a process group of its own, so that ffmpeg dies with it."""
    if os.getpgrp() != os.getpid():
        os.setsid()


def die_with_parent(fd: int = 0) -> None:
    """Kill the whole group as soon as `fd`, which the parent holds open, comes to its end."""

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(fd, 4096):
                pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def own_folder(folder: str) -> int:
    """Lock the work folder for the life of this process; returns the descriptor, which programs started do not inherit.
    Raises FolderBusy."""
    import fcntl

    fd = os.open(Path(folder) / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise FolderBusy(folder) from error
    return fd


def limit_files(max_bytes: int | None) -> None:
    """A hard bound on any one file, ffmpeg's too; no core dumps."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if max_bytes:
        bound = 2 * max_bytes + 64 * 1024 * 1024
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        if hard == resource.RLIM_INFINITY or bound < hard:
            resource.setrlimit(resource.RLIMIT_FSIZE, (bound, bound))


def allow_programs(programs: Sequence[str]) -> None:
    """Refuse to start any program but these, and ffmpeg reading anything but files. For this interpreter only, and for good."""
    allowed = {os.path.realpath(program) for program in programs}

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("subprocess.Popen", "os.exec", "os.posix_spawn"):
            program, words = arguments[0], arguments[1]
            if program is None and isinstance(words, (list, tuple)) and words:
                program = words[0]
            path = os.fsdecode(program) if isinstance(program, (str, bytes, os.PathLike)) else ""
            if os.path.realpath(path) not in allowed:
                raise PermissionError(f"not a program this child may start: {path}")
            for word in words if isinstance(words, (list, tuple)) else ():
                text = os.fsdecode(word) if isinstance(word, (str, bytes, os.PathLike)) else ""
                if _SCHEME.match(text):
                    raise PermissionError("a program may only be given files")
        elif event in ("os.system", "os.startfile", "pty.spawn"):
            raise PermissionError("not a program this child may start")

    sys.addaudithook(audit)


def landlock_state() -> str | None:
    """None where Landlock can bind network and files, else "landlock absent (...)"."""
    if not sys.platform.startswith("linux"):
        return "landlock absent (not Linux)"
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if abi < 4:
        return f"landlock absent (the kernel offers {abi if abi > 0 else 'none'}, 4 is needed)"
    return None


def landlock(connect_ports: Iterable[int], write_folders: Iterable[str]) -> str:
    """Bind this thread, later threads and later programs: TCP only to `connect_ports`, writing only below
    `write_folders`. Returns "landlock" or why it is not held: "landlock absent (...)"."""
    if (lacking := landlock_state()) is not None:
        return lacking
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = struct.pack("=QQ", _FS_WRITES, _NET_BIND_TCP | _NET_CONNECT_TCP)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    if ruleset < 0:
        return f"landlock absent ({os.strerror(ctypes.get_errno())})"
    try:
        for port in connect_ports:
            _add(libc, ruleset, _RULE_NET_PORT, struct.pack("=QQ", _NET_CONNECT_TCP, port))
        for folder in write_folders:
            _add_path(libc, ruleset, folder, _FS_WRITES)
        _add_path(libc, ruleset, "/dev/null", _FS_FILE_WRITES)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.syscall(
            _RESTRICT_SELF, ruleset, ctypes.c_uint32(0)
        ):
            return f"landlock absent ({os.strerror(ctypes.get_errno())})"
    except OSError as error:
        return f"landlock absent ({error.strerror})"
    finally:
        os.close(ruleset)
    return "landlock"


def _add_path(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        _add(libc, ruleset, _RULE_PATH_BENEATH, struct.pack("=Qi", rights, fd))
    finally:
        os.close(fd)


def _add(libc: ctypes.CDLL, ruleset: int, kind: int, rule: bytes) -> None:
    if libc.syscall(_ADD_RULE, ruleset, ctypes.c_int(kind), rule, ctypes.c_uint32(0)):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
