"""Reads the monitors out of Uptime Kuma's `/metrics` (Prometheus text format 0.0.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from medianest_core.sdk import InvalidResponse
from medianest_uptimekuma.models import Reading, number, ping

_LINE = re.compile(r"(monitor_status|monitor_response_time)\{(.*)\}\s+(-?[0-9.eE+]+|NaN)(?:\s+\d+)?")
_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def readings(text: str) -> Sequence[Reading]:
    """All monitors that had a beat since the server's start; paused ones are not listed. Raises InvalidResponse."""
    if "# TYPE" not in text and "# HELP" not in text:
        raise InvalidResponse("The address answers, but these are not Uptime Kuma's metrics.")
    states: dict[tuple[str, ...], tuple[Mapping[str, str], float]] = {}
    times: dict[tuple[str, ...], float] = {}
    for metric, labels, value in _samples(text):
        key = tuple(
            labels.get(name, "") for name in ("monitor_id", "monitor_name", "monitor_type", "monitor_url")
        )
        if metric == "monitor_status":
            states[key] = (labels, value)
        else:
            times[key] = value
    return [
        Reading(labels.get("monitor_name", ""), number(value), ping(times.get(key)))
        for key, (labels, value) in states.items()
    ]


def _samples(text: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    for line in text.splitlines():
        if (match := _LINE.fullmatch(line.strip())) is not None:
            labels = {name: _unescape(value) for name, value in _LABEL.findall(match[2])}
            yield match[1], labels, float(match[3])


def _unescape(value: str) -> str:
    return re.sub(r'\\[\\"n]', lambda match: _ESCAPES[match[0]], value)
