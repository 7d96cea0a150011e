"""The knobs of the Plex simulator that can be turned while it runs (PUT /_sim/options)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields


@dataclass
class Options:
    """All durations are seconds.

    `ignore_paging` answers every listing whole; `expired_pin_as_null` answers 200 with a null token for an expired PIN,
    where the default is 404; `library_dir` is the folder of the Videos library.
    """

    library_dir: str
    pin_lifetime: float = 900.0
    strong_pin_lifetime: float = 1800.0
    expired_pin_as_null: bool = False
    ignore_paging: bool = False
    scan_seconds: float = 0.5

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
        for name, value in values.items():
            setattr(self, name, float(value) if known[name] is float else value)

    def dump(self) -> dict[str, object]:
        """All knobs as JSON values."""
        return asdict(self)
