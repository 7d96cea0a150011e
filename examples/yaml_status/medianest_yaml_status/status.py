"""Says what the file says. There is no network here, and still every failure is told as what it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import yaml
from pydantic import BaseModel, HttpUrl, ValidationError

from medianest_core.sdk import (
    CheckResult,
    Http,
    InvalidResponse,
    Item,
    NotReady,
    ServiceType,
    Snapshot,
    StatusProvider,
)
from medianest_yaml_status.settings import BoardSettings


class Thing(BaseModel):
    """up left out: nobody knows."""

    name: str
    up: bool | None = None
    message: str = ""
    group: str = ""
    url: HttpUrl | None = None


class Board(BaseModel):
    things: list[Thing] = []


async def read(path: Path) -> Board:
    """What the file says now. Raises NotReady where it cannot be read, InvalidResponse where it makes no sense."""
    try:
        # A disk may be slow, and whatever is slow has no place on the event loop.
        text = await asyncio.to_thread(path.read_text, "utf-8")
        return Board.model_validate(yaml.safe_load(text) or {})
    except OSError as error:
        raise NotReady(f"The file cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise InvalidResponse("The file is no list of things in YAML.") from error


async def check(settings: BoardSettings, http: Http) -> CheckResult:
    """For "Test connection"."""
    board = await read(Path(settings.path))
    return CheckResult(f"The file names {len(board.things)} things.")


BOARD: ServiceType[BoardSettings] = ServiceType(
    "board", BoardSettings, title="Status file", icon="list", check=check
)


class BoardStatus(StatusProvider[BoardSettings]):
    service = BOARD
    # The file is not worth a row of its own: what it lists is all there is to say.
    own_row = False

    async def snapshot(self) -> Snapshot:
        board = await read(Path(self.config.path))
        return Snapshot(
            [
                Item(one.name, one.up, one.message, group=one.group, url=str(one.url) if one.url else None)
                for one in board.things
            ]
        )
