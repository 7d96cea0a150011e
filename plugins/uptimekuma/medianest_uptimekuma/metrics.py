"""Reads the monitors out of Uptime Kuma's `/metrics` (Prometheus text format 0.0.4)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from medianest_core.sdk import InvalidResponse
from medianest_uptimekuma.models import Reading, address, number, ping
from medianest_uptimekuma.times import days_ahead

_STATUS, _PING, _DAYS = "monitor_status", "monitor_response_time", "monitor_cert_days_remaining"
_LINE = re.compile(rf"({_STATUS}|{_PING}|{_DAYS})\{{(.*)\}}\s+(-?[0-9.eE+]+|NaN)(?:\s+\d+)?")
_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r'\\[\\"n]')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def readings(text: str, now: float) -> list[Reading]:
    """All monitors that had a check since the server's start; paused ones are not listed. Raises InvalidResponse.

    now: epoch seconds, from which the days left to a certificate count.
    """
    if "# TYPE" not in text and "# HELP" not in text:
        raise InvalidResponse("The address answers, but these are not Uptime Kuma's metrics.")
    # The same monitor has the same labels in every metric, so that their text identifies it.
    found: dict[str, dict[str, float]] = {}
    for line in text.split("\n"):
        if line.startswith("monitor_") and (match := _LINE.fullmatch(line.strip())) is not None:
            found.setdefault(match[2], {})[match[1]] = float(match[3])
    listed = [(_labels(written), values) for written, values in found.items() if _STATUS in values]
    repeated = Counter(labels.get("monitor_name", "") for labels, _ in listed)
    made: dict[str, Reading] = {}
    for labels, values in listed:
        if labels.get("monitor_type") == "group":
            continue
        name = labels.get("monitor_name", "")
        key = _key(labels, alone=repeated[name] == 1)
        made[key] = Reading(
            key,
            name,
            number(values[_STATUS]),
            ping(values.get(_PING)),
            url=address(labels.get("monitor_url")),
            certificate_ends_at=days_ahead(values.get(_DAYS), now),
        )
    return list(made.values())


def _key(labels: Mapping[str, str], *, alone: bool) -> str:
    """The monitor's id. The first generation tells none: there it is the name, with more where names repeat."""
    name = labels.get("monitor_name", "")
    if "monitor_id" in labels:
        return labels["monitor_id"]
    if alone:
        return name
    rest = (labels.get(f"monitor_{part}", "") for part in ("type", "url", "hostname", "port"))
    return " ".join([name, *(part for part in rest if part not in ("", "null"))])


def _labels(written: str) -> dict[str, str]:
    return {name: _unescape(value) if "\\" in value else value for name, value in _LABEL.findall(written)}


def _unescape(value: str) -> str:
    return _ESCAPED.sub(lambda match: _ESCAPES[match[0]], value)
