"""The seasons of a show as boxes: which a request asks for, and which are there already."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from medianest_core.domain.discover.entries import SeasonInfo
from medianest_core.domain.requests.entries import Request
from medianest_core.sdk.errors import UserError
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.discover_form import is_there, season_note, season_title
from medianest_core.web.portal.pages.requests_rows import parts_label
from medianest_core.web.portal.views import Choice, Field


def season_picks(
    one: Request, seasons: Sequence[SeasonInfo], picked: Collection[int] | None, error: str
) -> Field:
    """picked: as they were sent; None: those that are asked for."""
    shown = asked_for(one, seasons) if picked is None else picked
    told = ""
    if one.episodes:
        told = _("Asked for is %(parts)s. Choose seasons to ask for them instead.") % {
            "parts": parts_label((), one.episodes)
        }
    return Field(
        name="season",
        label=_("Seasons"),
        kind="picks",
        values=tuple(str(each.number) for each in _all(one, seasons) if each.number in shown),
        choices=tuple(_choice(one, each) for each in _all(one, seasons)),
        help=told,
        error=error,
    )


def asked_for(one: Request, seasons: Sequence[SeasonInfo]) -> frozenset[int]:
    """The seasons whose boxes are checked: specials only where somebody asked for them."""
    if one.episodes:
        return frozenset()
    if one.seasons:
        return frozenset(one.seasons)
    return frozenset(each.number for each in seasons if each.number > 0 and not is_there(each))


def chosen_seasons(
    one: Request, seasons: Sequence[SeasonInfo], picked: Collection[int]
) -> tuple[int, ...] | None:
    """What the boxes come to: None where nothing else is chosen than before; none of them: all of the show. Raises UserError."""
    if not seasons and picked:
        # Nobody says any more which there are: what the form showed counts.
        return tuple(sorted(picked))
    before = asked_for(one, seasons)
    known = {each.number for each in _all(one, seasons) if not _fixed(one, each)}
    wanted = frozenset(picked) & known
    if wanted == before:
        return None
    if not wanted:
        raise UserError(_("Choose at least one season."), "seasons")
    whole = {each.number for each in seasons if each.number > 0}
    return () if wanted == whole else tuple(sorted(wanted))


def _all(one: Request, seasons: Sequence[SeasonInfo]) -> list[SeasonInfo]:
    """With those that are asked for and that nobody names any more."""
    known = {each.number for each in seasons}
    gone = [SeasonInfo(number) for number in one.seasons if number not in known]
    return sorted([*seasons, *gone], key=lambda each: each.number)


def _fixed(one: Request, season: SeasonInfo) -> bool:
    return is_there(season) and season.number not in asked_for(one, (season,))


def _choice(one: Request, season: SeasonInfo) -> Choice:
    notes = [season_note(season)]
    if is_there(season):
        notes.append(_("Available"))
    elif season.held:
        notes.append(_("%(held)d of %(count)d there") % {"held": season.held, "count": season.episodes or 0})
    return Choice(
        label=season_title(season),
        value=str(season.number),
        help=" · ".join(each for each in notes if each),
        disabled=_fixed(one, season),
    )
