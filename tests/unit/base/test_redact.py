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


def test_a_known_secret_is_masked_inside_a_traceback(tmp_path: Path) -> None:
    register_secret("canary-9f8e7d")
    configure(AppSettings(data_dir=tmp_path))
    stream = io.StringIO()
    for handler in logging.getLogger().handlers:
        if type(handler) is logging.StreamHandler:
            handler.setStream(stream)
    try:
        raise ValueError("could not reach http://host/?t=canary-9f8e7d")
    except ValueError:
        get_logger("test").exception("failed", url="canary-9f8e7d")
    written = stream.getvalue() + next((tmp_path / "logs").glob("medianest-*.log")).read_text(
        encoding="utf-8"
    )
    assert "could not reach" in written
    assert "canary-9f8e7d" not in written
