"""Uptime bars and response lines as path data: a few paths for each thing, however many buckets there are."""

from __future__ import annotations

from collections.abc import Sequence

from medianest_core.domain.status.reading import Past
from medianest_core.domain.status.rings import Bucket, Span
from medianest_core.web.portal.formats import decimal, latency, span
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.views.status import Chart, Spark

HEIGHT = 24
_STEP, _BAR = 4, 3
_LEAST = 5
"""However short it was, an outage shows."""


def chart(past: Past) -> Chart:
    """Bars of one span, oldest first."""
    parts: dict[str, list[str]] = {"up": [], "down": [], "maintenance": [], "unknown": []}
    for number, bucket in enumerate(past.buckets):
        for part, top, height in _bar(bucket):
            parts[part].append(f"M{number * _STEP} {top}h{_BAR}v{height}h-{_BAR}z")
    return Chart(
        **{name: "".join(found) for name, found in parts.items()},
        width=len(past.buckets) * _STEP - (_STEP - _BAR),
        label=_sentence(past),
    )


def spark(buckets: Sequence[Bucket]) -> Spark | None:
    """Response times of one span; None where fewer than two were measured."""
    found = [one.response_ms for one in buckets if one.response_ms is not None]
    if len(found) < 2:
        return None
    low, high = min(found), max(found)
    reach = max(high - low, high * 0.2, 1.0)
    line, pen = [], "M"
    for number, bucket in enumerate(buckets):
        if bucket.response_ms is None:
            pen = "M"
            continue
        y = HEIGHT - 3 - (bucket.response_ms - low) / reach * (HEIGHT - 6)
        line.append(f"{pen}{number * _STEP} {y:.1f}")
        pen = "L"
    average = sum(found) / len(found)
    return Spark(
        line="".join(line),
        width=(len(buckets) - 1) * _STEP,
        label=_("Response time: %(average)s on average, between %(low)s and %(high)s")
        % {"average": latency(average), "low": latency(low), "high": latency(high)},
    )


def share(fraction: float | None) -> str:
    """99.98 %: with as many digits as make a difference, and 100 % only where nothing was down."""
    if fraction is None:
        return "–"
    figure = fraction * 100
    if figure >= 100:
        return _("%(figure)s%%") % {"figure": "100"}
    places = 2 if figure >= 99 else 1
    return _("%(figure)s%%") % {"figure": decimal(min(figure, 99.99 if places == 2 else 99.9), places)}


def span_label(which: Span) -> str:
    return {Span.DAY: _("24 hours"), Span.WEEK: _("7 days"), Span.MONTH: _("30 days")}[which]


def _bar(bucket: Bucket) -> list[tuple[str, int, int]]:
    """(part, top, height) of one bar."""
    known = bucket.up + bucket.down
    if bucket.maintenance > known:
        return [("maintenance", 0, HEIGHT)]
    if known <= 0:
        return [("unknown", HEIGHT - 4, 4)]
    if bucket.down <= 0:
        return [("up", 0, HEIGHT)]
    if bucket.up <= 0:
        return [("down", 0, HEIGHT)]
    height = min(HEIGHT - 2, max(_LEAST, round(HEIGHT * bucket.down / known)))
    return [("up", 0, HEIGHT - height), ("down", HEIGHT - height, height)]


def _sentence(past: Past) -> str:
    down = sum(one.down for one in past.buckets)
    words = {"span": span_label(past.span), "share": share(past.uptime), "time": span(down)}
    if past.uptime is None:
        return _("Last %(span)s: nothing is known") % words
    if down < 1:
        return _("Last %(span)s: %(share)s up") % words
    return _("Last %(span)s: %(share)s up, down for %(time)s") % words
