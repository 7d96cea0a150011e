"""The plugin's declarations, as the host will read them; and the pure parts between child and portal."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pluggy
import pytest
from babel.messages.pofile import read_po

from medianest_core.sdk import hookspecs
from medianest_core.sdk.downloads import DownloadFailed
from medianest_core.sdk.jobs import Job
from medianest_core.sdk.portal import Action
from medianest_youtube import placing, plugin
from medianest_youtube.downloader import YoutubeDownloader, _fitting
from medianest_youtube.errors import REASONS
from medianest_youtube.service import YOUTUBE
from medianest_youtube.settings import YoutubeSettings


def test_all_hooks_are_known_and_all_names_carry_the_plugins() -> None:
    manager = pluggy.PluginManager("medianest")
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    manager.check_pending()
    assert plugin.register_downloaders() == [YoutubeDownloader]
    brought = plugin.register_contributions()
    assert [one.name for one in brought if isinstance(one, Job)] == ["youtube.update_ytdlp"]
    assert {one.service for one in brought if isinstance(one, Action)} == {"youtube"}


def test_loading_the_plugin_loads_no_ytdlp() -> None:
    """Half a second and 30 MB that belong to the child."""
    script = "import sys, medianest_youtube.plugin; assert 'yt_dlp' not in sys.modules and 'PIL' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_child_needs_neither_the_portal_nor_its_libraries() -> None:
    script = (
        "import sys, medianest_youtube.child, medianest_youtube.fetching\n"
        "assert not [n for n in sys.modules if n.split('.')[0] in ('medianest_core', 'pydantic', 'httpx', 'sqlalchemy')]"
    )
    subprocess.run([sys.executable, "-I", "-c", script], check=True, timeout=60)


def test_limits_come_from_the_settings() -> None:
    settings = YoutubeSettings(concurrent=3, submissions_per_hour=7)
    limits = YoutubeDownloader("i", settings, None, None).limits()  # type: ignore[arg-type]  # no network is used
    assert (limits.concurrent, limits.submissions_per_hour) == (3, 7)


def test_quality_and_container_are_made_to_fit() -> None:
    assert _fitting("1080", "mkv") == ("1080", "mkv")
    assert _fitting("audio", "mp4") == ("audio", "m4a")
    assert _fitting("1080", "mp3") == ("audio", "mp3")
    for quality, container in (("4320", "mp4"), ("1080", "exe"), ("", "")):
        with pytest.raises(DownloadFailed):
            _fitting(quality, container)


@pytest.mark.parametrize(
    "name", ["../x.mp4", "a/b.mp4", ".hidden.mp4", "film.exe", "film.desktop", "film", "x.mp4/.."]
)
def test_only_plain_media_files_are_moved(name: str) -> None:
    with pytest.raises(placing.Misplaced):
        placing.plan([{"name": name, "role": "media"}], "Film [x]")


@pytest.mark.parametrize("stem", ["../x", "a/b", "", ".x", "/abs"])
def test_the_final_name_is_one_component(stem: str) -> None:
    with pytest.raises(placing.Misplaced):
        placing.plan([], stem)


def test_a_link_in_the_work_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "x.mp4").symlink_to("/etc/passwd")
    with pytest.raises(placing.Misplaced):
        placing.carry_out(tmp_path, tmp_path / "target", [placing.Move("x.mp4", "y.mp4", "media")])


def test_moving_goes_on_where_it_stopped_with_the_film_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, target = tmp_path / "work", tmp_path / "target"
    work.mkdir()
    target.mkdir()
    files = [
        {"name": f"x.{kind}", "role": role}
        for kind, role in (("mp4", "media"), ("jpg", "thumbnail"), ("nfo", "nfo"))
    ]
    for one in files:
        (work / one["name"]).write_text(one["role"])
    moves = placing.plan(files, "Film [x]")
    placing.record(work, moves, {"height": "360"})
    settle, calls = placing._settle, []

    def crash(path: Path) -> None:
        calls.append(path.name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        settle(path)

    monkeypatch.setattr(placing, "_settle", crash)
    with pytest.raises(KeyboardInterrupt):
        placing.carry_out(work, target, moves)
    assert "x.mp4" not in calls
    monkeypatch.setattr(placing, "_settle", settle)
    found = placing.recorded(work)
    assert found is not None
    again, facts = found
    assert (again, facts) == (moves, {"height": "360"})
    placing.carry_out(work, target, again)
    assert {path.name: path.read_text() for path in target.iterdir()} == {
        "Film [x].mp4": "media",
        "Film [x].jpg": "thumbnail",
        "Film [x].nfo": "nfo",
    }


def test_german_is_complete() -> None:
    """Every sentence that people may see stands in the catalogue, translated."""
    source = Path(plugin.__file__).parent
    with (source / "locale/de/LC_MESSAGES/youtube.po").open("rb") as file:
        catalogue = {str(one.id): one.string for one in read_po(file, locale="de") if one.id}
    shown = {reason.text for reason in REASONS.values()}
    for info in YoutubeSettings.model_fields.values():
        shown |= {str(info.title), str(info.description)}
    options = YoutubeDownloader("i", YoutubeSettings(), None, None).options()  # type: ignore[arg-type]  # no network is used
    for choice in (*options.qualities, *options.containers):
        shown |= {choice.label, choice.note}
    for one in plugin.register_contributions():
        shown |= {getattr(one, "title", ""), getattr(one, "confirm", "")}
    shown |= {plugin.manifest.title, plugin.manifest.description, YOUTUBE.title, YOUTUBE.description}
    calls = {"NotAllowed", "UserError", "DownloadFailed", "CheckResult", "ValueError", "UpdateFailed"}
    for module in (
        "links",
        "settings",
        "cookies",
        "downloader",
        "service",
        "health",
        "tools",
        "update",
        "plugin",
    ):
        for node in ast.walk(ast.parse((source / f"{module}.py").read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in calls and node.args:
                shown.add(_constant(node.args[0]))
            elif isinstance(node, ast.keyword) and node.arg in ("advice", "message"):
                shown.add(_constant(node.value))
    shown.discard("")
    assert len(shown) > 80
    assert not sorted(text for text in shown if not catalogue.get(text))


def _constant(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
