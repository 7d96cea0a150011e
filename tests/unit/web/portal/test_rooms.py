"""Which pages are loaded when: the way in at the start, those of people and of admins with the first request for one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, cast

from starlette.routing import BaseRoute, Route

from medianest_core.web.portal import office, rooms, views
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.render import Renderer

LATER = (
    "alembic",
    "babel",
    "fastapi",
    "medianest_core.web.portal.office",
    "medianest_core.web.portal.rooms",
    "medianest_core.web.portal.views.admin",
    "medianest_core.web.portal.views.library",
    "redis",
    "sqlalchemy.orm",
    "yt_dlp",
)
"""What the application is imported without."""


def _paths(routes: list[BaseRoute]) -> list[str]:
    return [cast(Route, route).path for route in routes]


def test_pages_below_admin_are_in_the_office_and_no_others() -> None:
    # Neither is asked for more than it makes of it: nothing is rendered and no plugin called.
    frame = Frame(Renderer())
    inside, outside = _paths(office.routes(frame)), _paths(rooms.routes(frame, cast(Any, None)))
    assert [path for path in inside if path != "/admin" and not path.startswith("/admin/")] == []
    assert [path for path in outside if path.startswith(("/admin", "/{"))] == []


def test_every_view_that_is_exported_is_in_a_family() -> None:
    assert [name for name in views.__all__ if not hasattr(views, name)] == []


def test_the_application_is_imported_without_what_only_some_need() -> None:
    code = f"import sys, medianest_core.asgi\nprint([one for one in {LATER} if one in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120, cwd=Path.cwd()
    )
    assert done.stdout.strip() == "[]"
