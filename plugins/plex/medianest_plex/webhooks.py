"""What a Plex server posts: multipart with a JSON part, without a signature."""

from __future__ import annotations

from typing import Any

import msgspec

from medianest_core.sdk import (
    EPISODE,
    MOVIE,
    N_,
    SEASON,
    SHOW,
    Delivery,
    Hint,
    InvalidResponse,
    WebhookReceiver,
)
from medianest_plex.client import PlexServer
from medianest_plex.service import PLEX
from medianest_plex.settings import PlexSettings


class _Named(msgspec.Struct):
    uuid: str = ""
    title: str = ""


class _Subject(msgspec.Struct, rename="camel"):
    rating_key: str | int | None = None
    parent_rating_key: str | int | None = None
    grandparent_rating_key: str | int | None = None
    type: str = ""
    title: str = ""
    grandparent_title: str = ""
    section: str | int | None = msgspec.field(default=None, name="librarySectionID")


class Payload(msgspec.Struct):
    """The part of the message that is looked at."""

    event: str
    Server: _Named = msgspec.field(default_factory=_Named)
    Metadata: _Subject = msgspec.field(default_factory=_Subject)


_decode = msgspec.json.Decoder(Payload, strict=False).decode


class PlexWebhooks(WebhookReceiver[PlexSettings, PlexServer]):
    service = PLEX

    def verify(self, delivery: Delivery) -> bool:
        try:
            sender = payload(delivery).Server.uuid
        except InvalidResponse:
            return False
        # Until the server has answered us once its identifier is unknown; what it posts is only a hint anyway.
        return bool(sender) and self.client.machine in (None, sender)

    def delivery_id(self, delivery: Delivery) -> str | None:
        return None

    def parse(self, delivery: Delivery) -> Hint | None:
        message = payload(delivery)
        subject = message.Metadata
        if message.event != "library.new" or subject.rating_key is None:
            return None
        facts = {"event": message.event, "kind": subject.type}
        if subject.section is not None:
            facts["library"] = str(subject.section)
        name = ", ".join(part for part in (subject.grandparent_title, subject.title) if part)
        summary = N_("New in Plex: {name}").format(name=name)
        if subject.type in (MOVIE, EPISODE):
            above = [subject.grandparent_rating_key, subject.parent_rating_key]
            keys = [str(key) for key in (*above, subject.rating_key) if key is not None]
            return Hint("media.changed", keys, summary, facts)
        if subject.type in (SHOW, SEASON):
            # The message stands for everything new below it, which only a look at the library shows.
            return Hint("library.changed", [str(subject.rating_key)], summary, facts)
        return None


def payload(delivery: Delivery) -> Payload:
    """The JSON part of a delivery. Raises InvalidResponse."""
    try:
        return _decode(_json_part(delivery))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidResponse("This is not a message of a Plex server.") from error


def _json_part(delivery: Delivery) -> bytes:
    from io import BytesIO

    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import parse_form

    found: dict[bytes | None, bytes | None] = {}

    def on_field(field: Any) -> None:
        found[field.field_name] = field.value

    def on_file(file: Any) -> None:
        if file.field_name == b"payload":
            file.file_object.seek(0)
            found[b"payload"] = file.file_object.read()

    kind = delivery.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise InvalidResponse("A message of a Plex server is a form with a picture.")
    try:
        parse_form(
            {"Content-Type": kind.encode("latin-1", "replace")}, BytesIO(delivery.body), on_field, on_file
        )
    except (FormParserError, ValueError) as error:
        raise InvalidResponse("This is not a message of a Plex server.") from error
    return found.get(b"payload") or b""
