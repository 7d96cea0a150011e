"""A gallery of every page with sample data, for eyes and for the browser tests.

`python tests/unit/web/portal/gallery.py OUT [NAME…]` writes screenshots at 390 and 1440 px in both themes;
`--serve` serves the pages instead.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import random
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import segno
import uvicorn
from PIL import Image, ImageDraw, ImageFilter
from playwright.async_api import Browser, async_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

HERE = Path(__file__).parent
if str(HERE.parents[3]) not in sys.path:
    sys.path.insert(0, str(HERE.parents[3]))

from medianest_core.web.portal.render import HERE as PORTAL  # noqa: E402
from medianest_core.web.portal.render import Renderer  # noqa: E402
from medianest_core.web.portal.viewer import Theme, Viewer  # noqa: E402
from tests.services import chromium  # noqa: E402
from tests.unit.web.portal.samples import samples  # noqa: E402
from tests.unit.web.portal.samples_basics import NOW  # noqa: E402
from tests.unit.web.portal.samples_basics import shell as samples_shell  # noqa: E402
from tests.unit.web.portal.samples_library import library_end, search  # noqa: E402

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; "
    "worker-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


FRAGMENTS: dict[str, tuple[str, Callable[[], object]]] = {
    "library": ("core/fragments/posters.html", library_end),
    "search": ("core/fragments/search.html", search),
}


@lru_cache(maxsize=500)
def picture(key: str, width: int) -> bytes:
    """Art of the kind real posters have: deterministic by key, 2:3 for `p…`, 16:9 for `b…`, square for the rest."""
    chance = random.Random(key)
    height = {"p": width * 3 // 2, "b": width * 9 // 16}.get(key[0], width)
    hue = chance.random() * 360
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for line in range(height):
        part = line / height
        draw.line((0, line, width, line), fill=_hsv(hue + part * 50, 0.55, 0.62 - 0.42 * part))
    for n in range(7):
        spread = width * (0.12 + chance.random() * 0.45)
        x, y = chance.random() * width, height * (0.25 + chance.random() * 0.8)
        draw.ellipse(
            (x - spread, y - spread * 0.5, x + spread, y + spread * 0.9),
            fill=_hsv(hue + 20 * n, 0.5, 0.22 + 0.08 * chance.random()),
        )
    left, top, moon = width * chance.random(), height * 0.25, width * 0.11
    draw.ellipse((left - moon, top - moon, left + moon, top + moon), fill=_hsv(hue + 160, 0.35, 0.96))
    out = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(width / 220)).save(out, "JPEG", quality=80)
    return out.getvalue()


def _hsv(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    def channel(n: float) -> int:
        k = (n + hue / 60) % 6
        return round(255 * (value - value * saturation * max(0.0, min(k, 4 - k, 1.0))))

    return channel(5), channel(3), channel(1)


def app(*, live: bool = False) -> Starlette:
    """The gallery's pages. live: they open their socket."""
    made = Renderer(strict=True)
    pages = {sample.name: sample for sample in samples()}

    async def page(request: Request) -> Response:
        sample = pages[request.path_params["name"]]
        asked = request.query_params.get("theme", "mn-dark")
        theme: Theme = asked if asked in get_args(Theme) else "mn-dark"  # type: ignore[assignment]  # checked beside it
        locale = request.query_params.get("lang", "en")
        viewer = Viewer(theme=theme, locale=locale, zone="Europe/Vienna", path=sample.path, now=lambda: NOW)
        return HTMLResponse(
            made.text(sample.template, sample.context(live=live), viewer),
            headers={"Content-Security-Policy": POLICY},
        )

    async def image(request: Request) -> Response:
        width = min(1920, int(request.query_params.get("w", "300")))
        return Response(picture(request.path_params["key"], width), media_type="image/jpeg")

    async def code(request: Request) -> Response:
        out = io.BytesIO()
        segno.make("https://plex.example/link").save(out, kind="svg", border=0, scale=4)
        return Response(out.getvalue(), media_type="image/svg+xml")

    async def index(request: Request) -> Response:
        return HTMLResponse("".join(f'<p><a href="/gallery/{name}">{name}</a></p>' for name in pages))

    async def nothing(request: Request) -> Response:
        return Response(status_code=204)

    async def fragment(request: Request) -> Response:
        """The fragments that the browser tests drive; every request is kept in `app.state.asked`."""
        path = request.url.path.removeprefix("/fragments/")
        request.app.state.asked.append(path)
        view = FRAGMENTS.get(path)
        if view is None:
            return Response(status_code=204)
        viewer = Viewer(now=lambda: NOW)
        return HTMLResponse(made.text(view[0], {"view": view[1](), "shell": samples_shell("/")}, viewer))

    async def worker(request: Request) -> Response:
        """One that does nothing."""
        return Response("", media_type="text/javascript")

    async def refuse(request: Request) -> Response:
        request.app.state.asked.append(request.url.path)
        return Response(status_code=409, headers={"X-Reason": "Robin%20was%20faster."})

    made_app = Starlette(
        routes=[
            Route("/", index),
            Route("/static/qr.svg", code),
            Route("/sw.js", worker),
            Route("/gallery/{name}", page),
            Route("/img/{key}", image),
            Mount("/static", StaticFiles(directory=PORTAL / "static")),
            Route("/fragments/{rest:path}", fragment),
            Route("/sign-in/{rest:path}", nothing),
            Route("/admin/{rest:path}", refuse, methods=["POST"]),
        ]
    )
    made_app.state.asked = []
    return made_app


@asynccontextmanager
async def serving(application: Any = None) -> AsyncIterator[str]:
    """The address of the gallery, or of the application given, while the block runs."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application or app(), interface="asgi3", log_level="error"))
    task = asyncio.create_task(server.serve([bound]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=chromium(), args=ARGUMENTS, timeout=120_000
        )
        try:
            yield started
        finally:
            await started.close()


async def shoot(out: Path, names: list[str], lang: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    async with serving() as address, browser() as started:
        for width in (390, 1440):
            for theme in ("mn-dark", "mn-light"):
                page = await started.new_page(
                    viewport={"width": width, "height": 844 if width < 500 else 900}, reduced_motion="reduce"
                )
                page.on(
                    "console",
                    lambda message: (
                        print("console:", message.text) if message.type in ("error", "warning") else None
                    ),
                )
                for sample in samples():
                    if names and sample.name not in names:
                        continue
                    await page.goto(
                        f"{address}/gallery/{sample.name}?theme={theme}&lang={lang}", wait_until="networkidle"
                    )
                    # a viewport as tall as the page, so that what is drawn only when seen is drawn
                    tall = await page.evaluate("document.documentElement.scrollHeight")
                    await page.set_viewport_size({"width": width, "height": max(tall, 844)})
                    await page.wait_for_load_state("networkidle")
                    target = out / f"{sample.name}-{width}-{theme[3:]}.png"
                    await page.screenshot(path=target)
                    await page.set_viewport_size({"width": width, "height": 844 if width < 500 else 900})
                await page.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--lang", default="en")
    parser.add_argument("--serve", type=int)
    given: Any = parser.parse_args()
    if given.serve:
        uvicorn.run(app(), port=given.serve)
        return
    asyncio.run(shoot(given.out, given.names, given.lang))


if __name__ == "__main__":
    main()
