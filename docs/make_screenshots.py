"""Takes the screenshots of docs/screenshots from a demo: every page, both themes, phone and desktop.

Run by `make screenshots`. Needs chromium, as the tests do. `make screenshots ARGS="home film"` takes only pages with these names.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.conftest import start_demo, stop_demo  # noqa: E402  # the root is put on the path above
from tests.e2e.conftest import ARGUMENTS  # noqa: E402
from tests.e2e.stage import PAGES, THEMES, Stage, staged  # noqa: E402
from tests.services import chromium  # noqa: E402

FOLDER = ROOT / "docs" / "screenshots"
TAKEN = (390, 1440)
QUALITY = 72
EARLY = ("home", "library")
README = "home-1440-dark"
"""This one is a PNG, which every viewer of the README shows."""


def main(wanted: list[str]) -> int:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as driver:
        folder = Path(temporary)
        demo = start_demo(folder, only=())
        browser = driver.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        try:
            names = [one for one in PAGES if not wanted or one in wanted]
            early = [one for one in names if one in EARLY]
            with staged(demo, browser, folder, lambda stage: take(stage, browser, early)) as stage:
                take(stage, browser, [one for one in names if one not in EARLY])
        finally:
            browser.close()
            stop_demo(demo)
    size = sum(one.stat().st_size for one in FOLDER.iterdir()) / 1e6
    sys.stdout.write(f"{size:.1f} MB in {FOLDER.relative_to(ROOT)}\n")
    return 0


def take(stage: Stage, browser: Browser, names: Sequence[str]) -> None:
    for name in names:
        for width in TAKEN:
            for theme in THEMES:
                page = stage.open(browser, name, width, theme)
                # The font is optional at the first visit, and only there for certain at the second.
                page.reload()
                page.wait_for_load_state("networkidle")
                save(page, f"{name}-{width}-{theme}")
                page.context.close()
        sys.stdout.write(f"{name}\n")


def save(page: Page, name: str) -> None:
    """What the window shows, as WebP."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    if name == README:
        picture.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(FOLDER / f"{name}.png", optimize=True)
    else:
        picture.save(FOLDER / f"{name}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
