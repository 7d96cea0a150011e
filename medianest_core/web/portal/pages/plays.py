"""Whether this browser plays a title as it is, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson
from starlette.requests import Request

from medianest_core.domain.library.reading.titles import Availability
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.playback import Fit, Part, Verdict, judge
from medianest_core.web.portal.views import Badge
from medianest_core.web.portal.views.plays import PlaysPart, PlaysView

_WORDS: Mapping[Fit, Literal["plays", "maybe", "fails"]] = {
    Fit.PLAYS: "plays",
    Fit.MAYBE: "maybe",
    Fit.FAILS: "fails",
}


def plays_view(request: Request, places: Sequence[Availability]) -> PlaysView | None:
    """Of the copy that plays best; None where nothing is known of the files."""
    verdict = best(request.headers.get("user-agent", ""), [place.media for place in places])
    if verdict is None:
        return None
    return PlaysView(
        verdict=_WORDS[verdict.fit],
        parts=tuple(
            PlaysPart(
                name=part.name,
                text=_sentence(part),
                fine=part.fit == Fit.PLAYS,
                question=orjson.dumps({"type": "file", **part.question}).decode() if part.question else "",
            )
            for part in verdict.parts
        ),
        advice=_advice(verdict.elsewhere),
    )


def episode_badges(request: Request, places: Sequence[Availability]) -> tuple[Badge, ...]:
    """A warning beside an episode that this browser does not play."""
    verdict = best(request.headers.get("user-agent", ""), [place.media for place in places])
    if verdict is None or verdict.fit != Fit.FAILS:
        return ()
    return (Badge(text=_("Better cast: %(what)s") % {"what": _whats(verdict)}, tone="warning", icon="cast"),)


def best(agent: str, copies: Sequence[Mapping[str, Any]]) -> Verdict | None:
    """The verdict on the copy that plays best of those that something is known of."""
    known = [verdict for media in copies if (verdict := judge(media, agent)) is not None]
    return min(known, key=lambda one: (one.fit, sum(part.fit for part in one.parts)), default=None)


def _whats(verdict: Verdict) -> str:
    return ", ".join(part.what for part in verdict.parts if part.fit == Fit.FAILS)


def _sentence(part: Part) -> str:
    if part.name == "hdr":
        return _("The colours are in %(what)s.") % {"what": part.what}
    if part.name == "audio":
        return _("The sound is coded as %(what)s.") % {"what": part.what}
    return _("The picture is coded as %(what)s.") % {"what": part.what}


def _advice(browsers: Sequence[str]) -> str:
    if browsers:
        return _("Cast it, or use %(browsers)s.") % {"browsers": _(" or ").join(browsers)}
    return _("Cast it, or play it in the app of the service.")
