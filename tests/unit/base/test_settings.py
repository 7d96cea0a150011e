from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from medianest_core.base.settings import AppSettings


def test_a_secret_can_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "url").write_text("postgresql+asyncpg://u:p@db/medianest\n", encoding="utf-8")
    monkeypatch.setenv("MEDIANEST_DATABASE_URL_FILE", str(tmp_path / "url"))
    assert AppSettings().database == "postgresql+asyncpg://u:p@db/medianest"


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIANEST_TRUSTED_PROXIES", "10.0.0.1, 10.0.0.2")
    assert AppSettings().trusted_proxies == ["10.0.0.1", "10.0.0.2"]


def test_the_default_database_is_in_the_data_folder(tmp_path: Path) -> None:
    assert AppSettings(data_dir=tmp_path).database == f"sqlite+aiosqlite:///{tmp_path}/medianest.db"


@pytest.mark.parametrize("values", [{"root_path": "nest"}, {"public_url": "example.test"}, {"port": 70000}])
def test_bad_values_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AppSettings(**values)  # type: ignore[arg-type]


def test_downloads_lie_in_the_data_folder_unless_said_otherwise(tmp_path: Path) -> None:
    assert AppSettings(data_dir=tmp_path).downloads == tmp_path / "downloads"
    assert AppSettings(data_dir=tmp_path, downloads_dir=tmp_path / "media").downloads == tmp_path / "media"
