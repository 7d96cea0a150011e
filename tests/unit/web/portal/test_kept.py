"""Kept pieces: the same HTML as rendering anew, for every language and sub-path."""

from __future__ import annotations

import pytest

from medianest_core.web.portal.kept import Kept
from medianest_core.web.portal.render import Renderer
from medianest_core.web.portal.viewer import Viewer, use_viewer
from medianest_core.web.portal.views import Art, Badge, Poster

POSTER = Poster(
    title="<Heat>", path="/title/1", art=Art(path="/img/1-poster-a&b", alt='"Heat"'), subtitle="1995"
)
TEMPLATE = '{% from "core/macros/media.html" import poster %}'


@pytest.mark.parametrize("viewer", [Viewer(), Viewer(locale="de"), Viewer(root_path="/media")])
@pytest.mark.parametrize(
    "item", [POSTER, Poster(title="Up", path="/title/2", progress=0.5, badge=Badge(text="4K"))]
)
def test_a_kept_poster_is_the_poster(viewer: Viewer, item: Poster) -> None:
    environment = Renderer().environment
    anew = environment.from_string(TEMPLATE + "{{ poster(item, eager=true) }}")
    kept = environment.from_string(TEMPLATE + "{{ kept(poster, item, eager=true) }}")
    for _ in range(2):
        with use_viewer(viewer):
            assert kept.render(item=item) == anew.render(item=item)


def test_languages_and_sub_paths_are_told_apart() -> None:
    kept, made = Kept(), []

    def make() -> str:
        made.append(1)
        return f"<p>{len(made)}</p>"

    looks = [
        Viewer(),
        Viewer(locale="de"),
        Viewer(root_path="/media"),
        Viewer(theme="mn-light"),
        Viewer(secure=True),
    ]
    for look in looks:
        with use_viewer(look):
            assert kept.get("a", make) == kept.get("a", make)
    assert len(made) == len(looks)


def test_the_oldest_goes_first_and_nothing_is_kept_in_development() -> None:
    kept = Kept(2)
    for number in (1, 2, 3):
        kept.get("a", lambda number=number: str(number), number)  # type: ignore[misc]  # bound default
    assert kept.get("a", lambda: "anew", 3) == "3"
    assert kept.get("a", lambda: "anew", 1) == "anew"
    kept.forget()
    assert kept.get("a", lambda: "cleared", 3) == "cleared"
    fresh = Kept(0)
    assert [fresh.get("a", lambda: "1"), fresh.get("a", lambda: "2")] == ["1", "2"]
