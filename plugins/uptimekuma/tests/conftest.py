"""What every test of the plugin starts from: nobody signed in, and patience with a machine that is busy."""

from __future__ import annotations

import pytest

from medianest_uptimekuma import client, link, past, session, sign_in


@pytest.fixture(autouse=True)
def nobody_signed_in() -> None:
    sign_in._tokens.clear()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SECONDS", 40.0)
    monkeypatch.setattr(past, "SECONDS", 40.0)
    monkeypatch.setattr(link, "_CONNECT", 40.0)
    monkeypatch.setattr(link, "_PROBE", 40.0)
    monkeypatch.setattr(session, "_BURST", 60.0)
