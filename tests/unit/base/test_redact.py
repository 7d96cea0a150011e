from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest

from medianest_core.base.logging import configure, get_logger
from medianest_core.base.redact import redact, register_secret
from medianest_core.base.settings import AppSettings


@pytest.mark.parametrize(
    "text",
    [
        "GET /library?X-Plex-Token=abcSECRETdef&x=1",
        'headers {"X-Api-Key": "abcSECRETdef"}',
        "Authorization: Bearer abcSECRETdef",
        "https://user:abcSECRETdef@example.test/path",
        "password=abcSECRETdef",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    assert "SECRET" not in redact(text)


def test_a_known_secret_is_masked_inside_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    register_secret("canary-9f8e7d")
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure(AppSettings(data_dir=tmp_path))
        stream = io.StringIO()
        for handler in root.handlers:
            if type(handler) is logging.StreamHandler:
                handler.setStream(stream)
        try:
            raise ValueError("could not reach http://host/?t=canary-9f8e7d")
        except ValueError:
            get_logger("test").exception("failed", url="canary-9f8e7d")
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
    written = stream.getvalue() + (tmp_path / "logs/medianest.log").read_text(encoding="utf-8")
    assert "could not reach" in written
    assert "canary-9f8e7d" not in written
