"""Who looks at a page: language, time zone, theme and the sub-path the portal is served under."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from .i18n import DEFAULT, use_locale

Theme = Literal["mn-dark", "mn-light", "auto"]
THEME_COOKIE = "mn_theme"


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Settings of one rendering.

    `root_path` is "" or "/sub/path", `zone` an IANA name. `secure` is whether the browser sees a secure context (https or
    localhost), where clipboard and the like exist. `now` gives the time in epoch seconds.
    """

    locale: str = DEFAULT
    zone: str = "UTC"
    theme: Theme = "mn-dark"
    root_path: str = ""
    path: str = "/"
    secure: bool = False
    now: Callable[[], float] = time.time


_viewer: ContextVar[Viewer | None] = ContextVar("medianest_viewer", default=None)
_ANYONE = Viewer()


def viewer() -> Viewer:
    """The viewer of the rendering in progress; a default one outside of it."""
    return _viewer.get() or _ANYONE


@contextmanager
def use_viewer(value: Viewer, plugin: str | None = None) -> Iterator[None]:
    """Render for `value` within the block, in its language; `plugin` names the catalogue asked first."""
    token = _viewer.set(value)
    try:
        with use_locale(value.locale, plugin):
            yield
    finally:
        _viewer.reset(token)


def theme_of(cookie: str | None) -> Theme:
    """The theme a `mn_theme` cookie asks for; dark when it says nothing known."""
    if cookie == "mn-light":
        return "mn-light"
    if cookie == "auto":
        return "auto"
    return "mn-dark"
