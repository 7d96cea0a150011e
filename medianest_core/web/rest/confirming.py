"""Operations that an open browser alone must not be able to do: the caller says once more who they are."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from medianest_core.web.gate.viewer import services_of, session_of, someone


class Confirmed(BaseModel):
    """password: the caller's own; whoever has none here must have signed in less than ten minutes ago."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    password: str = Field("", max_length=200)


async def confirm(request: Request, body: Confirmed) -> None:
    """Raises UserError for the field "password", TooManyAttempts."""
    session = session_of(request)
    await services_of(request).accounts.confirm.check(
        someone(request).id, session.id if session is not None else None, body.password
    )
