"""What counts as saved, and when saving has come to an end."""

from __future__ import annotations

from pathlib import Path

from medianest_core.cli.dev.watching import changed, look


def test_files_that_came_went_or_changed_are_named(tmp_path: Path) -> None:
    kept, edited, gone, new = (
        tmp_path / name for name in ("kept.py", "edited.html", "gone.toml", "sub/new.py")
    )
    for file in (kept, edited, gone):
        file.write_text("x")
    before = look([tmp_path])
    edited.write_text("longer")
    gone.unlink()
    new.parent.mkdir()
    new.touch()
    after, names = changed([tmp_path], before, pause=lambda _: None)
    assert names == {str(edited), str(gone), str(new)}
    assert changed([tmp_path], after, pause=lambda _: None) == (after, set())


def test_what_tools_leave_behind_is_no_change(tmp_path: Path) -> None:
    before = look([tmp_path])
    for name in (".git/index", "__pycache__/a.pyc", "node_modules/x.js", ".hidden.py", "a.py~", "b.swp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert changed([tmp_path], before, pause=lambda _: None) == (before, set())


def test_a_file_by_itself_is_watched_also_while_it_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "hut.py"
    before = look([file])
    file.write_text("x")
    assert changed([file], before, pause=lambda _: None)[1] == {str(file)}


def test_it_waits_until_nothing_is_written_any_more(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.touch()
    before = look([tmp_path])
    file.write_text("1")
    more = iter(["12", "123"])

    def meanwhile(_: float) -> None:
        if (text := next(more, None)) is not None:
            file.write_text(text)

    after, names = changed([tmp_path], before, pause=meanwhile)
    assert names == {str(file)}
    assert after[str(file)][1] == 3
