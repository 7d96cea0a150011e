"""What Radarr and Sonarr post: JSON without a signature, each message once, in no certain order."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from medianest_arr.client import ArrClient, Missing
from medianest_arr.models import Notification
from medianest_arr.service import RADARR, SONARR
from medianest_arr.settings import ArrSettings, RadarrSettings, SonarrSettings
from medianest_core.sdk import (
    N_,
    Delivery,
    Hint,
    InvalidResponse,
    WebhookReceiver,
)

NAME = "MediaNest"
_USER = "medianest"
_SHARED = (
    "onGrab",
    "onDownload",
    "onUpgrade",
    "onRename",
    "onHealthIssue",
    "onHealthRestored",
    "onManualInteractionRequired",
)
_FILM_SWITCHES = ("onMovieAdded", "onMovieDelete", "onMovieFileDelete")
_SERIES_SWITCHES = ("onImportComplete", "onSeriesAdd", "onSeriesDelete", "onEpisodeFileDelete")
_FILES = frozenset({"Download", "Rename", "MovieFileDelete", "EpisodeFileDelete"})
_REQUESTS = frozenset({"Grab", "MovieAdded", "SeriesAdd", "ManualInteractionRequired"})
_HEALTH = frozenset({"Health", "HealthRestored", "ApplicationUpdate"})


class Subject(msgspec.Struct, rename="camel"):
    id: int = 0
    title: str = ""
    tmdb_id: int = 0
    tvdb_id: int = 0
    imdb_id: str = ""


class Part(msgspec.Struct, rename="camel"):
    season_number: int = 0
    episode_number: int = 0


class Payload(msgspec.Struct, rename="camel"):
    """The part of a message that is looked at. `deletedFiles` is a truth value or an array, and so is left out."""

    event_type: str
    instance_name: str = ""
    movie: Subject | None = None
    series: Subject | None = None
    episodes: list[Part] = []
    message: str = ""
    level: str = ""


_decode = msgspec.json.Decoder(Payload, strict=False).decode
_SENTENCES: Mapping[str, str] = {
    "Grab": N_("A download of {name} begins."),
    "Download": N_("{name} was imported."),
    "Rename": N_("Files of {name} were renamed."),
    "MovieFileDelete": N_("A file of {name} was deleted."),
    "EpisodeFileDelete": N_("A file of {name} was deleted."),
    "MovieDelete": N_("{name} was removed."),
    "SeriesDelete": N_("{name} was removed."),
    "MovieAdded": N_("{name} was added."),
    "SeriesAdd": N_("{name} was added."),
    "ManualInteractionRequired": N_("{name} waits for someone to import it by hand."),
}


class _Receiver(WebhookReceiver[ArrSettings, ArrClient]):
    """What both have in common. Topics: media.changed and media.removed (keys are "tmdb:603", "imdb:tt0133093" and "title:The Matrix" of a film, "tvdb:81189",
    "tvdb:81189/1x2" and "title:Breaking Bad" of a series and its episodes), request.changed (keys are
    references of requests; none: any of them), status.changed and test."""

    switches: ClassVar[Sequence[str]] = ()

    def verify(self, delivery: Delivery) -> bool:
        secret = self.config.webhook_password
        if not secret:
            return True
        wish = secret.reveal().encode()
        header = delivery.headers.get("x-webhook-secret", "").encode()
        if hmac.compare_digest(header, wish):
            return True
        user, password = _basic(delivery.headers.get("authorization", ""))
        known = (self.config.webhook_user or _USER).encode()
        return hmac.compare_digest(password, wish) and hmac.compare_digest(user, known)

    def delivery_id(self, delivery: Delivery) -> str | None:
        return None

    def parse(self, delivery: Delivery) -> Hint | None:
        try:
            message = _decode(delivery.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidResponse(N_("This is not a message of Radarr or Sonarr.")) from error
        event, subject = message.event_type, message.movie or message.series
        if event == "Test":
            return Hint("test", summary=N_("{app} tries its connection.").format(app=self.client.app))
        if event in _HEALTH:
            facts = {"event": event, "level": message.level}
            return Hint("status.changed", summary=message.message[:300], facts=facts)
        if subject is None or event not in _SENTENCES:
            return None
        facts = {"event": event, "reference": _reference(message), "title": subject.title}
        facts |= _ids(subject)
        summary = _SENTENCES[event].format(name=subject.title or "?")
        if event in _REQUESTS:
            # A request for a part of a series has a name of its own: only for films is it known which one is meant.
            keys = [facts["reference"]] if message.movie is not None else []
            return Hint("request.changed", keys, summary, facts)
        return Hint("media.changed" if event in _FILES else "media.removed", _keys(message), summary, facts)

    async def register(self, url: str) -> None:
        row = await self._own(url)
        fields: list[dict[str, Any]] = [{"name": "url", "value": url}, {"name": "method", "value": 1}]
        if self.config.webhook_password:
            fields += [
                {"name": "username", "value": self.config.webhook_user or _USER},
                {"name": "password", "value": self.config.webhook_password.reveal()},
            ]
        body: dict[str, Any] = {
            "name": NAME if row is None else row.name,
            "implementation": "Webhook",
            "implementationName": "Webhook",
            "configContract": "WebhookSettings",
            "fields": fields,
            "tags": [],
            **dict.fromkeys(self.switches, True),
        }
        if row is not None:
            await self.client.put(f"/notification/{row.id}", {**body, "id": row.id})
            return
        taken = {other.name for other in await self.client.notifications()}
        body["name"] = next(
            name
            for number in range(1, 99)
            if (name := NAME if number == 1 else f"{NAME} {number}") not in taken
        )
        await self.client.post("/notification", body, Notification)

    async def unregister(self, url: str) -> None:
        while (row := await self._own(url)) is not None:
            try:
                await self.client.delete(f"/notification/{row.id}")
            except Missing:
                return

    async def _own(self, url: str) -> Notification | None:
        rows = await self.client.notifications()
        return next(
            (row for row in rows if row.implementation == "Webhook" and row.setting("url") == url), None
        )


class RadarrWebhooks(_Receiver, WebhookReceiver[RadarrSettings, ArrClient]):
    service = RADARR
    switches = (*_SHARED, *_FILM_SWITCHES)


class SonarrWebhooks(_Receiver, WebhookReceiver[SonarrSettings, ArrClient]):
    service = SONARR
    switches = (*_SHARED, *_SERIES_SWITCHES)


def _ids(subject: Subject) -> Mapping[str, str]:
    ids = {"tmdb": subject.tmdb_id, "tvdb": subject.tvdb_id, "imdb": subject.imdb_id}
    return {name: str(value) for name, value in ids.items() if value}


def _keys(message: Payload) -> Sequence[str]:
    """Nothing where no id is known: a name alone could be that of another title."""
    subject = message.movie or message.series
    if subject is None:
        return []
    known = _ids(subject)
    # A number of TMDB is that of a film for Radarr; what Sonarr says beside the series' own number is left aside.
    names = ("tmdb", "imdb") if message.movie is not None else ("tvdb", "imdb")
    keys = [f"{name}:{known[name]}" for name in names if name in known]
    if message.movie is None and subject.tvdb_id:
        keys += [
            f"tvdb:{subject.tvdb_id}/{one.season_number}x{one.episode_number}" for one in message.episodes
        ]
    return [*keys, f"title:{subject.title}"] if keys and subject.title else keys


def _reference(message: Payload) -> str:
    if message.movie is not None:
        return f"movie/{message.movie.id}"
    return f"series/{message.series.id}" if message.series else ""


def _basic(header: str) -> tuple[bytes, bytes]:
    scheme, _, packed = header.partition(" ")
    if scheme.lower() != "basic":
        return b"", b""
    try:
        user, _, password = base64.b64decode(packed, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b"", b""
    return user, password
