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

pytestmark = pytest.mark.browser
SAMPLE = {(390, "dark"), (1440, "light")}
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
_AXE = """() => axe.run(document, {resultTypes: ["violations"]}).then((found) => found.violations
  .filter((one) => one.impact === "serious" || one.impact === "critical")
  .flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target} ${node.html.slice(0, 160)} ${node.failureSummary}`)))"""


@pytest.fixture(scope="module")
def stage(demo: Demo, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(demo, browser, tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture(scope="session")
def axe() -> str:
    return resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def _cases() -> list[Any]:
    return [
        pytest.param(
            width, theme, id=f"{width}-{theme}", marks=() if (width, theme) in SAMPLE else pytest.mark.full
        )
        for width in WIDTHS
        for theme in THEMES
    ]


@pytest.mark.parametrize(("width", "theme"), _cases())
@pytest.mark.parametrize("name", PAGES)
def test_a_page(stage: Stage, browser: Browser, axe: str, name: str, width: int, theme: str) -> None:
    problems: list[str] = []

    def look(page: Page) -> None:
        page.add_init_script(_VIOLATIONS)
        watch(page, problems)

    page = stage.open(browser, name, width, theme, look)
    try:
        page.wait_for_load_state("load")
        assert page.locator("html").get_attribute("data-theme") == f"mn-{theme}"
        assert page.locator("h1").count() == 1, "one heading says what the page is"
        assert page.evaluate(_OVERFLOW) == []
        page.evaluate(axe)
        assert page.evaluate(_AXE) == []
    finally:
        page.context.close()
    assert problems == []
