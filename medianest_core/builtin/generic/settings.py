"""What an admin fills in to have somebody's JSON understood."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import Field, field_validator

from medianest_core.builtin.generic.pointer import valid
from medianest_core.sdk import N_, Secret, ServiceSettings

TOPICS = (
    "library.changed",
    "media.changed",
    "media.removed",
    "request.changed",
    "issue.changed",
    "status.changed",
    "test",
)
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")


class JsonSettings(ServiceSettings):
    """topics: "what it says=what that means", one a line."""

    topic: str = Field(
        "library.changed",
        title=N_("What a message means"),
        description=N_(
            "library.changed, media.changed, media.removed, request.changed, issue.changed, status.changed or test: where the message"
            " itself does not say, or says something that is not below. Empty: such messages are ignored."
        ),
        examples=["library.changed"],
    )
    topic_at: str = Field(
        "",
        max_length=200,
        title=N_("Where it says what happened"),
        description=N_("A JSON Pointer. Empty: every message means the same."),
        examples=["/event/type"],
    )
    topics: list[str] = Field(
        default_factory=list,
        max_length=50,
        title=N_("What its words mean"),
        description=N_("Each as word=meaning."),
        examples=["ItemAdded=media.changed"],
    )
    keys_at: list[str] = Field(
        default_factory=list,
        max_length=10,
        title=N_("Where it says which ones"),
        description=N_("JSON Pointers to ids, or to lists of them, as the service meant below knows them."),
        examples=["/item/id"],
    )
    about: str = Field(
        "",
        max_length=100,
        title=N_("Service meant"),
        description=N_("Its name in the portal, as under Services. Empty: any that it may concern."),
    )
    summary_at: str = Field(
        "",
        max_length=200,
        title=N_("Where a title stands"),
        description=N_("A JSON Pointer, for the log of deliveries."),
        json_schema_extra={"advanced": True},
    )
    id_at: str = Field(
        "",
        max_length=200,
        title=N_("Where a number of the message stands"),
        description=N_(
            "A JSON Pointer. A message with the same number as an earlier one is not followed again."
        ),
        json_schema_extra={"advanced": True},
    )
    secret: Secret | None = Field(
        None,
        title=N_("Secret"),
        description=N_(
            "The sender must send it in the header below. Without one the address alone protects."
        ),
    )
    secret_header: str = Field(
        "X-Webhook-Secret",
        title=N_("Header of the secret"),
        json_schema_extra={"advanced": True},
    )

    @field_validator("topic")
    @classmethod
    def _topic(cls, value: str) -> str:
        value = value.strip()
        if value and value not in TOPICS:
            raise ValueError(N_("Enter one of {topics}.").format(topics=", ".join(TOPICS)))
        return value

    @field_validator("topics")
    @classmethod
    def _topics(cls, values: list[str]) -> list[str]:
        kept = [value.strip() for value in values if value.strip()]
        for value in kept:
            word, sign, meaning = value.rpartition("=")
            if not sign or not word.strip() or meaning.strip() not in TOPICS:
                raise ValueError(
                    N_("Enter word=meaning, with one of {topics}.").format(topics=", ".join(TOPICS))
                )
        return kept

    @field_validator("topic_at", "summary_at", "id_at")
    @classmethod
    def _pointer(cls, value: str) -> str:
        value = value.strip()
        if not valid(value):
            raise ValueError(N_("A JSON Pointer begins with a slash, such as /event/type."))
        return value

    @field_validator("keys_at")
    @classmethod
    def _pointers(cls, values: list[str]) -> list[str]:
        return [cls._pointer(value) for value in values if value.strip()]

    @field_validator("secret_header")
    @classmethod
    def _header(cls, value: str) -> str:
        value = value.strip()
        if not _HEADER.fullmatch(value):
            raise ValueError(N_("A header's name has letters, digits and dashes."))
        return value

    def meanings(self) -> Mapping[str, str]:
        """What its words mean."""
        pairs = (value.rpartition("=") for value in self.topics)
        return {word.strip(): meaning.strip() for word, _, meaning in pairs}
