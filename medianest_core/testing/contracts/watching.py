"""What is looked after while any clause runs: calls that hold up the event loop, and secrets in the log."""

from __future__ import annotations

import contextlib
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from medianest_core.sdk.settings import Secret

SHORTEST = 6
"""Secrets shorter than this may stand in a text by chance."""


def secrets_of(value: Any) -> list[str]:
    """Clear texts of all secrets in settings, however deep."""
    if isinstance(value, Secret):
        return [value.reveal()] if len(value.reveal()) >= SHORTEST else []
    if isinstance(value, BaseModel):
        return [found for part in value.__dict__.values() for found in secrets_of(part)]
    if isinstance(value, dict):
        return [found for part in value.values() for found in secrets_of(part)]
    if isinstance(value, list | tuple):
        return [found for part in value for found in secrets_of(part)]
    return []


def no_secrets(text: str, secrets: Sequence[str], where: str) -> None:
    """Raises AssertionError where one of them stands in the text; it is not repeated there."""
    assert not any(secret in text for secret in secrets), f"{where} holds a secret of the settings"


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            self.texts.append(logging.Formatter().format(record))


@contextlib.contextmanager
def watched(package: str, secrets: Sequence[str]) -> Iterator[None]:
    """Raises AssertionError at the end where the block held up its thread, or where a secret came into the log.

    package: of the plugin, whose log is listened to down to its debug messages.
    """
    places: list[str] = []
    listener, logger = _Listener(), logging.getLogger(package)
    level = logger.level
    logging.getLogger().addHandler(listener)
    logger.setLevel(logging.DEBUG)
    try:
        with _noting(places):
            yield
    finally:
        logging.getLogger().removeHandler(listener)
        logger.setLevel(level)
    assert not places, f"it holds up everyone who uses the portal: {'; '.join(places)}"
    no_secrets("\n".join(listener.texts), secrets, "the log")


@contextlib.contextmanager
def _noting(places: list[str]) -> Iterator[None]:
    thread = threading.get_ident()

    def noted(what: str, real: Callable[..., Any], when: Callable[..., bool]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if threading.get_ident() == thread and when(*arguments):
                frame = sys._getframe(1)
                while frame.f_back is not None and frame.f_code.co_filename.startswith(sys.base_prefix):
                    frame = frame.f_back
                places.append(f"{what} at {frame.f_code.co_filename}:{frame.f_lineno}")
            return real(*arguments, **options)

        return call

    targets: list[tuple[Any, str, str, Callable[..., bool]]] = [
        (time, "sleep", "time.sleep", lambda seconds=0.0, *_: seconds > 0),
        (socket.socket, "connect", "a connection that blocks", lambda sock, *_: sock.gettimeout() != 0.0),
        (subprocess.Popen, "wait", "waiting for a process", lambda *_: True),
        (subprocess.Popen, "communicate", "waiting for a process", lambda *_: True),
    ]
    with contextlib.ExitStack() as stack:
        for owner, name, what, when in targets:
            inherited = name not in vars(owner)
            real = getattr(owner, name)
            setattr(owner, name, noted(what, real, when))
            if inherited:
                stack.callback(delattr, owner, name)
            else:
                stack.callback(setattr, owner, name, real)
        yield
