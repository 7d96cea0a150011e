"""What others post to a media server's address: how it is read, and what is kept of it."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from medianest_core.base.texts import N_
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.webhooks import Delivery

M = TypeVar("M", bound=BaseModel)
_SECRET = ("x-webhook-id", "authorization", "cookie")


def read_posted(model: type[M], body: bytes) -> M:
    """The message in the body. Raises UserError."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UserError(
            N_("This message cannot be understood: {reason}").format(reason=f"{place} {first['msg']}".strip())
        ) from error


def to_keep(delivery: Delivery) -> Delivery:
    """The same without what lets its sender in."""
    return Delivery(
        {name: value for name, value in delivery.headers.items() if name not in _SECRET}, delivery.body
    )
