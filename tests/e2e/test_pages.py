"""What must hold on every page, in both themes and at three widths: it fits, it complains of nothing, everyone can use it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import Demo
from tests.e2e.conftest import watch
from tests.e2e.stage import PAGES, THEMES, WIDTHS, Stage, staged

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
LOOKS = {"narrow": (390,), "wide": (1440, 768)}
"""Windows that one visit is looked at in: a phone is touched, the others have a pointer, and are made narrower while open."""
_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""
_OVERFLOW = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > wide + 1)
    .slice(0, 5)
    .map((one) => `${one.tagName}.${one.className} to ${Math.round(one.getBoundingClientRect().right)}`);
}"""
_AXE = """(rules) => axe.run(document, {resultTypes: ["violations"], ...(rules ? {runOnly: rules} : {})}).then((found) =>
  found.violations.filter((one) => one.impact === "serious" || one.impact === "critical")
  .flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target} ${node.html.slice(0, 160)} ${node.failureSummary}`)))"""
_COLOURS = ["color-contrast"]
"""What another theme can change."""


@pytest.fixture(scope="module")
def stage(demo: Demo, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(demo, browser, tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture(scope="session")
def axe() -> str:
    return resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def _cases() -> list[Any]:
    """Every page in every look and both themes, one of which it is loaded in; one look of each sixth page is in the quick run."""
    return [
        pytest.param(
            name,
            look,
            THEMES[(turn + place) % len(THEMES)],
            id=f"{name}-{look}",
            marks=() if turn % 6 == 0 and place == turn // 6 % len(LOOKS) else pytest.mark.full,
        )
        for turn, name in enumerate(PAGES)
        for place, look in enumerate(LOOKS)
    ]


@pytest.mark.parametrize(("name", "look", "theme"), _cases())
def test_a_page(stage: Stage, browser: Browser, axe: str, name: str, look: str, theme: str) -> None:
    problems: list[str] = []

    def prepare(page: Page) -> None:
        page.add_init_script(_VIOLATIONS)
        watch(page, problems)

    first, *narrower = LOOKS[look]
    page = stage.open(browser, name, first, theme, prepare)
    try:
        page.wait_for_load_state("load")
        assert page.locator("html").get_attribute("data-theme") == f"mn-{theme}"
        assert page.locator("h1").count() == 1, "one heading says what the page is"
        page.evaluate(axe)
        for width in (first, *narrower):
            page.set_viewport_size({"width": width, "height": WIDTHS[width]})
            if width != first:
                # What is read and in which colours is the same; only its room is another.
                assert page.evaluate(_OVERFLOW) == [], f"{width} pixels"
                continue
            for shown in (theme, *(other for other in THEMES if other != theme)):
                page.evaluate("(name) => { document.documentElement.dataset.theme = name; }", f"mn-{shown}")
                where = f"{width} pixels, {shown}"
                assert page.evaluate(_OVERFLOW) == [], where
                assert page.evaluate(_AXE, None if shown == theme else _COLOURS) == [], where
    finally:
        page.context.close()
    assert problems == []
