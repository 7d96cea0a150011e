"""A real chromium, and pages that fail on any console error or content-policy violation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.services import chromium

ARGUMENTS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]

PATIENCE = 60_000
"""Milliseconds that anything may take on a busy machine; Playwright's own five seconds are not enough."""
expect.set_options(timeout=PATIENCE)


@dataclass
class Watched:
    """A page and what went wrong on it."""

    page: Page
    problems: list[str] = field(default_factory=list)


@pytest.fixture(scope="package")
def playwright_driver() -> Iterator[Playwright]:
    """For this folder only: while it runs, its event loop counts as running and no test could start another."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="package")
def browser(playwright_driver: Playwright) -> Iterator[Browser]:
    path = chromium()
    assert path, "chromium is missing: run `make services`"
    # Playwright switches the browser's page cache off, on which the way back to a scroll position rests.
    launched = playwright_driver.chromium.launch(
        executable_path=path, args=ARGUMENTS, ignore_default_args=["--disable-back-forward-cache"]
    )
    # The service worker has tests of its own, which allow it; elsewhere it would stand between a test and the portal's answers.
    for name in ("new_context", "new_page"):
        setattr(launched, name, partial(getattr(launched, name), service_workers="block"))
    yield launched
    launched.close()


NewPage = Callable[..., Page]


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Opens pages in contexts of their own; afterwards none may have reported an error."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def make(**options: Any) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        watch(page, problems)
        return page

    yield make
    for context in contexts:
        context.close()
    assert problems == []


EXPECTED = (
    "the server responded with a status of 4",
    "Response Status Error Code 4",
    "htmx:afterRequest, ",
    "htmx:sendAbort, ",
    "Transition was aborted",
    "Transition was skipped",
    "WebSocket is closed before the connection is established",
)
"""What the console says to answers that a test asks for on purpose (404, 422, 429), and to a page that is left at once."""


def watch(page: Page, problems: list[str]) -> None:
    """Collect script errors, console errors and content-policy violations of the page."""

    def note(text: str) -> None:
        if not any(known in text for known in EXPECTED):
            problems.append(f"{page.url}: {text}")

    page.on("pageerror", lambda error: note(str(error)))
    page.on("console", lambda message: note(message.text) if message.type == "error" else None)
    page.on(
        "response",
        lambda reply: problems.append(f"{reply.status} {reply.url}") if reply.status >= 500 else None,
    )
