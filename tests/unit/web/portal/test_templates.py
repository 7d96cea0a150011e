"""Templates: every page renders strictly in both languages, and no template holds bare text, inline code or unknown icons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from medianest_core.web.portal.render import HERE, Renderer
from medianest_core.web.portal.viewer import Viewer
from tests.unit.web.portal.samples import Sample, samples
from tests.unit.web.portal.samples_basics import NOW

ROOT = HERE.parents[2]
RENDERER = Renderer(strict=True)


def templates() -> Iterator[Path]:
    yield from sorted((HERE / "templates").rglob("*.html"))
    for pattern in ("plugins/*/*/templates/**/*.html", "examples/*/*/templates/**/*.html"):
        yield from sorted(ROOT.glob(pattern))


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


ALL = list(templates())


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("sample", list(samples()), ids=lambda sample: sample.name)
def test_page_renders_strictly(sample: Sample, locale: str) -> None:
    viewer = Viewer(locale=locale, zone="Europe/Vienna", root_path="/nest", path=sample.path, now=lambda: NOW)
    html = RENDERER.text(sample.template, sample.context(), viewer)
    assert f'<html lang="{locale}"' in html
    assert "<h1" in html
    inside = re.findall(r'(?:href|src|action|hx-get|hx-post)="(/[^"]*)"', html)
    assert inside
    assert all(path.startswith("/nest/") for path in inside)


class _Texts(HTMLParser):
    """Collects readable text and the attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [
            value or "" for name, value in attrs if name in ("title", "alt", "placeholder", "aria-label")
        ]


def bare_texts(source: str) -> list[str]:
    """Words of a template that do not pass through gettext: what stands outside of tags, expressions and trans blocks."""
    environment = Environment(extensions=["jinja2.ext.i18n"])
    kept: list[str] = []
    inside_trans = inside_class = False
    block: list[str] = []
    for _line, kind, value in environment.lex(source):
        if kind == "data" and not inside_trans and not inside_class:
            kept.append(value)
        elif kind in ("variable_begin", "comment_begin"):
            kept.append("\x00")
        elif kind == "block_begin":
            block = []
        elif kind == "name":
            block.append(value)
        elif kind == "block_end" and block:
            if block[0] == "trans":
                inside_trans = True
            elif block[0] == "endtrans":
                inside_trans = False
            elif block[0] == "block":
                inside_class = block[1].endswith("_class") or block[1] == "live"
            elif block[0] == "endblock":
                inside_class = False
    reader = _Texts()
    reader.feed("".join(kept).replace("<\x00", "<x").replace("</\x00", "</x"))
    words = [text.replace("\x00", " ").strip() for text in reader.found]
    return [
        text for text in words if re.search(r"[A-Za-z]{2,}", text) and text not in ("MediaNest", "https://")
    ]


@pytest.mark.parametrize("path", ALL, ids=short)
def test_no_bare_text(path: Path) -> None:
    assert bare_texts(path.read_text()) == []


def test_bare_text_would_be_found() -> None:
    assert bare_texts('<p>Hello {{ name }}</p><img alt="A cat">{% trans %}fine{% endtrans %}') == [
        "Hello",
        "A cat",
    ]


FORBIDDEN = {
    "an inline style": r"\sstyle\s*=|<style",
    "an inline script": r"<script(?![^>]*\bsrc=)",
    "an event attribute": r"\son[a-z]+\s*=",
    "hx-on": r"\bhx-on",
    "a computed hx-vals": r"hx-vals\s*=\s*[\"'](?:js|javascript):",
    "an hx-trigger filter": r"hx-trigger\s*=\s*\"[^\"]*\[",
    "a script address": r"javascript:",
    "template literals for Alpine": r"x-[a-z:.-]+\s*=\s*\"[^\"]*(?:`|=>|\?\.|\?\?|\+=)",
    "an unescaped value": r"\|\s*safe\b",
}


@pytest.mark.parametrize("path", ALL, ids=short)
def test_nothing_the_content_policy_refuses(path: Path) -> None:
    source = path.read_text()
    assert [name for name, pattern in FORBIDDEN.items() if re.search(pattern, source)] == []


@pytest.mark.parametrize("path", [path for path in ALL if path.is_relative_to(HERE)], ids=short)
def test_template_says_what_it_is_given(path: Path) -> None:
    assert path.read_text().startswith("{#")


def known_icons() -> set[str]:
    lines = (HERE / "frontend" / "icons.txt").read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def names_in(node: nodes.Node) -> Iterator[str]:
    """The icon names that an expression of a template can give."""
    match node:
        case nodes.Const(value=str(name)):
            yield name
        case nodes.CondExpr():
            yield from names_in(node.expr1)
            if node.expr2 is not None:
                yield from names_in(node.expr2)
        case nodes.Or():
            yield from names_in(node.left)
            yield from names_in(node.right)
        case nodes.Call(node=nodes.Getattr(node=nodes.Dict() as table, attr="get"), args=[_, *defaults]):
            for one in (*(pair.value for pair in table.items), *defaults):
                yield from names_in(one)


def icons_of(source: str) -> set[str]:
    tree = RENDERER.environment.parse(source)
    calls = [
        call
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name == "icon"
    ]
    return {name for call in calls if call.args for name in names_in(call.args[0])}


def test_icons_named_in_templates_and_code_are_in_the_sprite() -> None:
    named = {name: short(path) for path in ALL for name in icons_of(path.read_text())}
    assert {"circle-alert", "x", "lock"} <= set(named)
    for folder in ("medianest_core", "plugins", "examples"):
        for path in (ROOT / folder).rglob("*.py"):
            if not {"tests", "node_modules"} & set(path.parts):
                found = re.findall(r'\bicon(?:: str)?\s*=\s*"([a-z][a-z0-9-]*)"', path.read_text())
                named.update(dict.fromkeys(found, short(path)))
    assert {name: where for name, where in named.items() if name not in known_icons()} == {}


def test_sprite_holds_every_listed_icon() -> None:
    from medianest_core.web.portal.render import assets

    sprite = (HERE / "static" / "dist" / assets.name("icons.svg")).read_text()
    assert {name for name in known_icons() if f'id="{name}"' not in sprite} == set()
