"""A source's last known record of a title, as it is kept: `MediaRecord` to bytes and back without loss."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from medianest_core.base.kept_json import kept_json
from medianest_core.base.texts import N_
from medianest_core.host.answers import record_checker
from medianest_core.sdk.errors import InvalidResponse
from medianest_core.sdk.media import MediaRecord, RawRecord

_IS_RECORD = record_checker(MediaRecord)


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A record with the instance it came from."""

    instance: str
    record: MediaRecord

    @property
    def place(self) -> tuple[str, str]:
        return self.instance, self.record.key


def decoded(raw: RawRecord) -> MediaRecord:
    """What a raw record says. Raises whatever its decoder raises, and Misfit where that returned something else than a record."""
    record = raw.decode()
    _IS_RECORD(record)
    return record


def encode(record: MediaRecord) -> bytes:
    """Raises InvalidResponse where the record holds something that is not JSON."""
    try:
        return kept_json(
            [
                record.key,
                record.kind,
                record.title,
                record.library,
                record.year,
                record.ids,
                record.parent,
                record.index,
                record.fields,
                record.added_at,
                record.updated_at,
            ],
        )
    except TypeError as error:
        raise InvalidResponse(
            N_("The record {key} cannot be stored: {message}.").format(key=record.key, message=error)
        ) from error


def decode(data: bytes) -> MediaRecord:
    key, kind, title, library, year, ids, parent, index, fields, added_at, updated_at = orjson.loads(data)
    return MediaRecord(
        key=key,
        kind=kind,
        title=title,
        library=library,
        year=year,
        ids=ids,
        parent=parent,
        index=index,
        fields=fields,
        added_at=added_at,
        updated_at=updated_at,
    )
