"""Who am I: the answer every page and every program asks for first, made without a question to the database."""

from __future__ import annotations

from typing import Any

from starlette.requests import HTTPConnection

from medianest_core.domain.accounts.access import Verdict
from medianest_core.web.gate.problems import Refused
from medianest_core.web.gate.viewer import key_of, session_of, viewer_of


def who_am_i(connection: HTTPConnection) -> dict[str, Any]:
    """Shape: `Me` of v1/me.py."""
    viewer, session, key = viewer_of(connection), session_of(connection), key_of(connection)
    if viewer is None:
        raise Refused(Verdict.SIGN_IN)
    return {
        "id": viewer.id,
        "username": viewer.username,
        "name": session.name if session is not None else viewer.username,
        "role": viewer.role,
        "status": session.status.value if session is not None else "active",
        "permissions": sorted(viewer.permissions),
        "locale": session.locale if session is not None else viewer.locale,
        "timezone": session.timezone if session is not None else viewer.timezone,
        "theme": session.theme if session is not None else None,
        "session_id": session.id if session is not None else None,
        "scopes": sorted(key.scopes) if key is not None else None,
    }
