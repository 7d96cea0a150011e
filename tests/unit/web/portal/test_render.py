"""The renderer: addresses under a sub-path, assets, plugin prefixes, escaping, answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from medianest_core.web.portal.render import Assets, AssetsMissing, Renderer, asset, attributes, icon, url
from medianest_core.web.portal.viewer import Viewer, theme_of, use_viewer
from medianest_core.web.portal.views import ErrorView, Poster, Shell


def test_url_stands_under_the_sub_path() -> None:
    with use_viewer(Viewer(root_path="/nest")):
        assert url("/library", q="a b", none=None) == "/nest/library?q=a+b"
        assert url("/img/x?v=1", w=300) == "/nest/img/x?v=1&w=300"
        assert url("https://example.net/x") == "https://example.net/x"
        assert asset("app.css").startswith("/nest/static/dist/app.")
        assert asset("logo.svg").startswith("/nest/static/dist/logo.")


@pytest.mark.parametrize("path", ["javascript:alert(1)", "//evil.example", "data:text/html,x", "", "library"])
def test_url_refuses_what_is_no_portal_path_or_web_address(path: str) -> None:
    with pytest.raises(ValueError, match="portal path"):
        url(path)


def test_icon_is_decorative_unless_named() -> None:
    assert 'aria-hidden="true"' in icon("play")
    assert 'role="img" aria-label="a&#34;b"' in icon("play", label='a"b')


def test_attributes() -> None:
    assert (
        attributes(data_x='"', disabled=True, hidden=False, title=None, class_="a")
        == 'data-x="&#34;" disabled class="a"'
    )


def test_missing_assets_say_what_to_run(tmp_path: Path) -> None:
    missing = Assets(tmp_path)
    with pytest.raises(AssetsMissing, match="make assets"):
        missing.check()
    with pytest.raises(AssetsMissing):
        missing.name("app.css")


def test_assets_follow_a_new_build(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"app.css": "app.1.css"}))
    found = Assets(tmp_path, every=0)
    assert found.name("app.css") == "app.1.css"
    replacement = tmp_path / "new.json"
    replacement.write_text(json.dumps({"app.css": "app.2.css", "more": "x"}))
    replacement.replace(manifest)
    assert found.name("app.css") == "app.2.css"


def test_plugin_templates_come_and_go(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        '{% from "core/macros/text.html" import badge %}{{ badge(item) }} {{ text }}'
    )
    renderer = Renderer(strict=True)
    renderer.add("hello", tmp_path)
    context = {"item": {"text": "new", "tone": "info", "icon": None}, "text": "<b>"}
    html = renderer.text("hello/page.html", context, Viewer())
    assert "badge-info" in html
    assert "&lt;b&gt;" in html
    renderer.remove("hello")
    with pytest.raises(TemplateNotFound):
        renderer.text("hello/page.html", context, Viewer())


@pytest.mark.parametrize("name", ["core", "a/b"])
def test_reserved_prefixes_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="prefix"):
        Renderer().add(name, tmp_path)


def test_core_cannot_be_removed() -> None:
    renderer = Renderer()
    renderer.remove("core")
    assert renderer.environment.get_template("core/bare.html")


def test_unknown_names_are_errors_when_strict(tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text("[{{ nothing }}]")
    strict, kind = Renderer(strict=True), Renderer()
    strict.add("p", tmp_path)
    kind.add("p", tmp_path)
    with pytest.raises(UndefinedError):
        strict.text("p/x.html", {}, Viewer())
    assert kind.text("p/x.html", {}, Viewer()) == "[]"


def test_page_answers_with_status_and_escaped_text() -> None:
    view = ErrorView(status=404, title="<script>", text="x")
    answer = Renderer(strict=True).page(
        "core/errors/error.html", view, Shell(live=False), Viewer(theme="mn-light"), status=404
    )
    body = bytes(answer.body).decode()
    assert answer.status_code == 404
    assert "<script>" not in body.replace("<script type", "")
    assert 'data-theme="mn-light"' in body


def test_fragment_varies_by_htmx() -> None:
    answer = Renderer(strict=True).fragment("core/fragments/banners.html", None, Viewer(), shell=Shell())
    assert answer.headers["vary"] == "HX-Request"


@pytest.mark.parametrize(
    ("cookie", "theme"), [(None, "mn-dark"), ("mn-light", "mn-light"), ("auto", "auto"), ('"><x', "mn-dark")]
)
def test_theme_of_cookie(cookie: str | None, theme: str) -> None:
    assert theme_of(cookie) == theme


def _grid(*wide: bool) -> str:
    posters = [Poster(title=f"T{n}", path=f"/title/{n}", wide=one) for n, one in enumerate(wide)]
    source = '{% from "core/macros/media.html" import poster_grid %}{{ poster_grid(posters) }}'
    with use_viewer(Viewer()):
        return Renderer(strict=True).environment.from_string(source).render(posters=posters)


def test_frames_of_videos_stand_in_wide_frames() -> None:
    mixed = _grid(False, True)
    assert 'class="poster-grid" id="grid"' in mixed
    assert mixed.count("poster-wide") == mixed.count("art-wide") == 1
    assert 'class="poster-grid wide" id="grid"' in _grid(True, True)
    assert "wide" not in _grid(False, False).replace("min-width", "")
