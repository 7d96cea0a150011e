"""What an archive says of itself; held to strictly when it is read, because it may come from anyone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from medianest_core.store.backup.shape import Kind

FORMAT = 1
MANIFEST, README, KEYS = "manifest.json", "README.txt", "files/keys.json"
_NAME = r"[a-z_][a-z0-9_]{0,62}"
Name = Annotated[str, StringConstraints(pattern=rf"^{_NAME}$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Revision = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Size = Annotated[int, Field(ge=0, lt=1 << 53)]
PLUGIN_FILES, DOWNLOADS, IMAGES = "files/plugins/", "files/downloads/", "files/images/"
PLACES = (PLUGIN_FILES, DOWNLOADS, IMAGES)
_LONGEST_PATH, _LONGEST_PART = 1000, 255


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ColumnEntry(_Strict):
    name: Name
    kind: Kind


class TableEntry(_Strict):
    """digest: of the rows, whatever their order. plugin: "" for the core's."""

    plugin: str = ""
    columns: Sequence[ColumnEntry] = Field(min_length=1, max_length=500)
    rows: Size
    digest: Hash


class FileEntry(_Strict):
    size: Size
    sha256: Hash


class Manifest(_Strict):
    """schemas: plugin ("" is the core) → revisions. files: member → facts. left_out: what is not here → why.

    created_at: epoch seconds.
    """

    format: int
    medianest: str = Field(max_length=60)
    created_at: float
    schemas: Mapping[str, Sequence[Revision]]
    tables: Mapping[Name, TableEntry] = Field(max_length=5000)
    sequences: Mapping[Name, Size]
    files: Mapping[str, FileEntry]
    left_out: Mapping[str, str]

    @property
    def rows(self) -> int:
        return sum(entry.rows for entry in self.tables.values())


def member_of(table: str) -> str:
    """Where the rows of a table are kept."""
    return f"tables/{table}.jsonl"


def is_safe(member: str) -> bool:
    """Whether a file of that name may be put below its place: relative and plain."""
    if member == KEYS:
        return True
    place = next((one for one in PLACES if member.startswith(one)), None)
    if place is None or len(member) > _LONGEST_PATH:
        return False
    rest = member[len(place) :]
    parts = rest.split("/")
    return (
        all(
            part not in ("", ".", "..")
            and len(part.encode("utf-8", "surrogatepass")) <= _LONGEST_PART
            and not re.search(r"[\x00-\x1f\x7f\\]", part)
            for part in parts
        )
        and not PurePosixPath(rest).is_absolute()
        and (place != PLUGIN_FILES or len(parts) > 1)
    )
