"""The knobs of the Seerr simulator that can be turned while it runs (PUT /_sim/options)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

PROFILES = ("seerr", "overseerr")
ANSWERS = ("", "html", "huge", "empty", "double", "nulls")


@dataclass
class Options:
    """All durations are seconds.

    profile: "seerr" (3.1) or "overseerr" (1.34). servers: are Radarr and Sonarr connected? Without them an approved request stays as it is.
    process_seconds: from approval until the media is processing. available_seconds: from then until it is available by itself; 0: only when told.
    tmdb_down: searches are empty, details and new requests fail. invent: unknown TMDB ids are titles too, with made-up names.
    lost_replies: that many writes still take effect and then lose the connection without an answer.
    answer: what comes instead of a proper answer: "html" (a proxy's sign-in page), "huge", "empty" (no rows, no fields), "double" (each row twice),
    "nulls" (every value null).
    webhook_copies: how often each message is sent. webhook_swap: messages leave in pairs, the later one first.
    """

    profile: str = "seerr"
    servers: bool = True
    process_seconds: float = 0.02
    available_seconds: float = 0.0
    tmdb_down: bool = False
    invent: bool = False
    lost_replies: int = 0
    answer: str = ""
    webhook_copies: int = 1
    webhook_swap: bool = False

    @property
    def seerr(self) -> bool:
        """Is it the successor, with its further states?"""
        return self.profile == "seerr"

    def update(self, values: object) -> None:
        """Set the given knobs, all or none; ValueError for an unknown name or a value of the wrong type."""
        if not isinstance(values, Mapping):
            raise ValueError("options must be an object")
        known = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown option {name!r}; one of {', '.join(known)}")
            fits = isinstance(value, (int, float) if known[name] is float else known[name])
            if not fits or (isinstance(value, bool) and known[name] is not bool):
                raise ValueError(f"option {name!r} must be a {known[name].__name__}")
        for name, allowed in (("profile", PROFILES), ("answer", ANSWERS)):
            if name in values and values[name] not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}")
        for name, value in values.items():
            setattr(self, name, float(value) if known[name] is float else value)

    def dump(self) -> dict[str, object]:
        """All knobs as JSON values."""
        return asdict(self)
