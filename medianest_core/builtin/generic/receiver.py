"""Reads somebody's JSON as the admin says it is to be read."""

from __future__ import annotations

import json
from typing import Any

from medianest_core.builtin.generic.pointer import find
from medianest_core.builtin.generic.settings import TOPICS, JsonSettings
from medianest_core.builtin.posted import ANY_SERVER, is_admitted, json_of, text_of
from medianest_core.sdk import N_, Delivery, Hint, Http, ServiceType, WebhookReceiver

MOST_KEYS = 500
JSON: ServiceType[JsonSettings, Http] = ServiceType(
    "json",
    JsonSettings,
    title=N_("Other webhook"),
    icon="webhook",
    description=N_(
        "For whatever can post JSON: say what its messages mean, and give it the address shown under Webhooks."
    ),
)


class GenericWebhooks(WebhookReceiver[JsonSettings, Http]):
    service = JSON
    max_bytes = 256_000

    def verify(self, delivery: Delivery) -> bool:
        return is_admitted(delivery, self.config.secret_header.lower(), self.config.secret)

    def delivery_id(self, delivery: Delivery) -> str | None:
        if not self.config.id_at:
            return None
        try:
            return _text(find(json.loads(delivery.body), self.config.id_at)) or None
        except (ValueError, RecursionError):
            return None

    def parse(self, delivery: Delivery) -> Hint | None:
        message = json_of(delivery, N_("This is not JSON."))
        said = _text(find(message, self.config.topic_at)) if self.config.topic_at else ""
        topic = self.config.meanings().get(said, said if said in TOPICS else self.config.topic)
        if not topic:
            return None
        keys = list(
            dict.fromkeys(key for pointer in self.config.keys_at for key in _texts(find(message, pointer)))
        )
        title = _text(find(message, self.config.summary_at)) if self.config.summary_at else ""
        about = self.config.about.strip()
        return Hint(
            topic,
            keys[:MOST_KEYS] if about else (),
            ": ".join(part for part in (said, title) if part)[:300],
            {"event": said} if said else {},
            about=about or ANY_SERVER,
        )


def _texts(value: Any) -> list[str]:
    several = value if isinstance(value, list) else [value]
    return [text for one in several if (text := _text(one))]


def _text(value: Any) -> str:
    return text_of(value)[:200]
