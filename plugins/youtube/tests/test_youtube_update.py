"""A newer yt-dlp: fetched by pip from a folder of wheels, tried out, used, and left again."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from medianest_core.sdk.errors import UserError
from medianest_youtube import engine, tools
from medianest_youtube.update import UpdateArgs, UpdateFailed, go_back, update

_WORKS = {
    "yt_dlp/__init__.py": "from . import version\nclass YoutubeDL:\n    def __init__(self, params): pass\n    def __enter__(self): return self\n    def __exit__(self, *a): pass\n",
    "yt_dlp/globals.py": "plugin_dirs = None\n",
    "yt_dlp/extractor/__init__.py": "",
    "yt_dlp/extractor/youtube.py": "",
}

_NEEDS = "Provides-Extra: default\nRequires-Dist: yt-dlp-ejs==0.8.0; extra == 'default'\n"


def _wheel(folder: Path, name: str, version: str, files: dict[str, str], needs: str = "") -> None:
    module, info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    content = dict(files)
    content[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
    content[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    rows = [f"{path},sha256={_digest(text)},{len(text.encode())}" for path, text in content.items()]
    content[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]) + "\n"
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Where pip looks: yt-dlp of two future dates, and one that does not start."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    for version in ("2098.01.02", "2099.03.04"):
        _wheel(
            folder, "yt-dlp", version, {**_WORKS, "yt_dlp/version.py": f"__version__ = '{version}'\n"}, _NEEDS
        )
    _wheel(folder, "yt-dlp", "2099.09.09", {"yt_dlp/__init__.py": "raise ImportError('half a release')\n"})
    for version in ("0.8.0", "9.9.9"):
        _wheel(folder, "yt-dlp-ejs", version, {"yt_dlp_ejs/__init__.py": ""})
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "ytdlp"
    monkeypatch.setattr(engine._Place, "folder", folder)
    yield folder


@pytest.mark.full
async def test_fetches_tries_uses_and_goes_back(shelf: Path, place: Path) -> None:
    pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(shelf)}
    own = engine.bundled()
    assert own is not None and engine.current() == own
    assert await update(place, "2098.1.2", environment=pip) == "2098.01.02"
    assert await update(place, "2099.03.04", environment=pip) == "2099.03.04"
    assert engine.current() == engine.Engine("2099.03.04", place / "2099.03.04")
    assert (place / "2099.03.04" / "yt_dlp_ejs-0.8.0.dist-info").is_dir()
    assert engine.fetched(place) == ["2099.03.04", "2098.01.02"]

    with pytest.raises(UpdateFailed, match="half a release"):
        await update(place, environment=pip)
    with pytest.raises(UpdateFailed, match="pip could not fetch it"):
        await update(place, "2050.01.01", environment=pip)
    assert engine.current() == engine.Engine("2099.03.04", place / "2099.03.04")
    assert not (place / ".new").exists()

    assert go_back(place) == "2098.01.02"
    assert go_back(place) == own.version
    assert engine.current() == own
    with pytest.raises(UserError):
        go_back(place)


def test_an_old_one_left_behind_or_a_damaged_choice_is_not_used(place: Path) -> None:
    (place / "2001.01.01" / "yt_dlp").mkdir(parents=True)
    engine.choose(place, "2001.01.01")
    assert engine.current() == engine.bundled()
    for damage in ("", "[]", '{"version": "../../x"}', '{"version": 3}'):
        (place / "current.json").write_text(damage)
        assert engine.current() == engine.bundled()


@pytest.mark.parametrize("version", ["; rm -rf /", "../x", "--index-url=http://x", "2026.1"])
def test_only_versions_are_versions(version: str) -> None:
    with pytest.raises(ValidationError):
        UpdateArgs(version=version)


async def test_tells_what_is_old_or_missing_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    own = engine.bundled()
    assert own is not None
    born = date(*(int(part) for part in own.version.split(".")[:3]))
    fresh = await tools.look(today=born)
    assert fresh.ytdlp.present and not fresh.ytdlp.advice
    assert fresh.ffmpeg.present and fresh.ffmpeg.version
    old = await tools.look(today=date.fromordinal(born.toordinal() + 91))
    assert "91 days old" in old.ytdlp.advice

    monkeypatch.setattr(tools, "_find_ffmpeg", lambda: None)
    monkeypatch.setattr(tools, "_find_runtime", lambda name: None)
    bare = await tools.look(today=born)
    assert not bare.ffmpeg.present and "Install ffmpeg" in bare.ffmpeg.advice
    assert not bare.javascript.present and "deno" in bare.javascript.advice


async def test_a_runtime_that_is_too_old_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v20.1.0\n")
    node.chmod(0o755)
    monkeypatch.setattr(tools, "_find_runtime", lambda name: str(node) if name == "node" else None)
    assert await tools.javascript_runtimes() == {}
    assert "The node found here is too old." in (await tools.look()).javascript.advice
