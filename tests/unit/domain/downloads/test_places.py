from __future__ import annotations

from pathlib import Path

import pytest

from medianest_core.domain.downloads.places import OutsideRoot, Places, server_folder, server_path


@pytest.mark.parametrize("wanted", ["..", "a/../../b", "/etc", "", "."])
def test_folders_outside_are_refused(tmp_path: Path, wanted: str) -> None:
    places = Places(tmp_path / "root")
    places.prepare()
    with pytest.raises(OutsideRoot):
        places.folder(wanted)
    assert list(tmp_path.iterdir()) == [tmp_path / "root"]


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    places = Places(tmp_path / "root")
    places.prepare()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "secret").write_text("x")
    (places.root / "link").symlink_to(tmp_path / "out")
    with pytest.raises(OutsideRoot):
        places.folder("link")
    with pytest.raises(OutsideRoot):
        places.absolute("link/secret")


def test_stored_paths_lead_back(tmp_path: Path) -> None:
    places = Places(tmp_path / "root")
    places.prepare()
    file = places.folder("Ann/Täglich") / "a.mp4"
    file.write_bytes(b"x")
    assert places.relative(file) == "Ann/Täglich/a.mp4"
    assert places.absolute("Ann/Täglich/a.mp4") == file


def test_room_is_what_is_left_after_the_reserve(tmp_path: Path) -> None:
    places = Places(tmp_path, reserve=100, free=lambda _: 150)
    assert places.short_of() == 0
    assert places.short_of(50) == 0
    assert places.short_of(51) == 1


def test_the_server_may_know_the_folder_by_another_name(tmp_path: Path) -> None:
    root = tmp_path / "downloads"
    assert server_folder(root, [str(root)]) == str(root)
    assert server_folder(root, ["/media/x", str(tmp_path)]) == str(root)
    assert server_folder(root, ["/media/tube/"]) == "/media/tube"
    assert server_folder(root, ["/media/tube"], "/mnt/videos/") == "/mnt/videos"
    assert server_folder(root, []) is None
    assert server_path("/media/tube", "Ann/a.mp4") == "/media/tube/Ann/a.mp4"
    assert server_path("D:\\Videos", "Ann/a.mp4") == "D:\\Videos\\Ann\\a.mp4"
    assert server_path("/", "Ann/a.mp4") == "/Ann/a.mp4"
