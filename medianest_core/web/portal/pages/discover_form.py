"""Asking for a title from its sheet: what can be chosen, and the wish that comes of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from starlette.datastructures import FormData

from medianest_core.domain.discover.entries import Details, Entry, SeasonInfo
from medianest_core.domain.requests.entries import Allowance, Profile, Wanted
from medianest_core.domain.requests.states import OPEN, State
from medianest_core.domain.requests.wishes import Wish
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.media import SHOW
from medianest_core.web.portal.formats import clock
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.discover_rows import sheet_path, wish_badge
from medianest_core.web.portal.pages.posters import day
from medianest_core.web.portal.views import Badge, Choice, Field
from medianest_core.web.portal.views.discover import RequestForm, SeasonRow, WishRow

_FINE = "4k"
_FINE_HEIGHT = 2160
_TAKEN = OPEN | {State.AVAILABLE}


@dataclass(frozen=True, slots=True)
class Asking:
    """What the form is made of. allowances: of the person, all kinds. profiles: all that the person may take. wishes: of the household
    for this title. people: (id, name) of those for whom the person may ask too."""

    details: Details
    entry: Entry
    wishes: Sequence[Wanted]
    allowances: Sequence[Allowance]
    profiles: Sequence[Profile]
    sent: Sent | None = None
    people: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that came in, and why it was refused. retry_at: epoch seconds of the next try, where that is known."""

    seasons: Collection[int] = ()
    variant: str = ""
    profile_id: str = ""
    comment: str = ""
    for_user: str = ""
    error: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)


def read(form: FormData) -> Sent:
    numbers = (whole(str(one)) for one in form.getlist("season"))
    return Sent(
        seasons=frozenset(one for one in numbers if one is not None),
        variant=str(form.get("variant", ""))[:20],
        profile_id=str(form.get("profile_id", ""))[:36],
        comment=str(form.get("comment", ""))[:2000],
        for_user=str(form.get("for_user", ""))[:36],
    )


def wish_of(entry: Entry, details: Details, sent: Sent, profiles: Sequence[Profile] = ()) -> Wish:
    """Raises UserError where no season is chosen of a show that has some."""
    known = {one.number for one in details.seasons}
    seasons = set(sent.seasons) & known
    if entry.kind == SHOW and known and not seasons:
        raise UserError(_("Choose at least one season."), "seasons")
    # A profile is for one quality: who takes it does not have to choose that as well.
    profile = next((one for one in profiles if one.id == sent.profile_id), None)
    return Wish(
        kind=entry.kind,
        ids=dict(entry.ids),
        title=entry.title,
        year=entry.year,
        image=entry.image,
        seasons=() if seasons == known else tuple(sorted(seasons)),
        variant=profile.variant if profile is not None else sent.variant,
        profile_id=sent.profile_id or None,
        for_user=sent.for_user or None,
        comment=sent.comment,
        sizes={one.number: one.episodes for one in details.seasons if one.episodes},
    )


def refused(sent: Sent, error: Exception) -> Sent:
    """What was sent with the reason why it was not taken, in plain words."""
    text, where = _(str(error)), getattr(error, "field", None)
    retry_at = getattr(error, "retry_at", None)
    if isinstance(retry_at, float):
        text += " " + _("The next one is possible at %(time)s.") % {"time": clock(retry_at)}
    if where in ("seasons", "profile_id", "variant", "for_user"):
        return replace(sent, errors={where: text})
    return replace(sent, error=text)


def wish_rows(wishes: Sequence[Wanted]) -> tuple[WishRow, ...]:
    """The requests that exist, newest first."""
    return tuple(
        WishRow(
            title=_asked_for(one),
            badge=wish_badge(one.state),
            path=f"/requests/{one.request_id}" if one.request_id else None,
        )
        for one in wishes
        if one.state != State.CANCELLED
    )


def _asked_for(wish: Wanted) -> str:
    words = []
    if wish.seasons:
        numbers = ", ".join(str(one) for one in sorted(wish.seasons))
        words.append(
            ngettext("Season %(numbers)s", "Seasons %(numbers)s", len(wish.seasons)) % {"numbers": numbers}
        )
    if wish.variant:
        words.append("4K" if wish.variant == _FINE else wish.variant)
    text = " · ".join(words)
    who = _("Your request") if wish.mine else _("Somebody's request")
    return f"{who} · {text}" if text else who


def request_form(asking: Asking) -> RequestForm:
    """The form as the person may send it, or why there is nothing to send."""
    entry, sent = asking.entry, asking.sent or Sent()
    path = sheet_path(entry.key) + "/request"
    mine = [one for one in asking.allowances if one.kind == entry.kind]
    allowed = [one for one in mine if one.allowed]
    if not allowed:
        note = (
            _("Your account may not ask for titles of this kind.")
            if mine
            else _("Titles of this kind cannot be requested.")
        )
        return RequestForm(path=path, note=note, error=sent.error)
    open_ = [one for one in allowed if not _settled(asking, one.variant)]
    if not open_:
        note = "" if asking.wishes else _("All of it is in the library.")
        return RequestForm(path=path, note=note, error=sent.error)
    seasons = _season_rows(asking, open_[0].variant if len(open_) == 1 else None)
    if seasons and all(one.fixed for one in seasons):
        note = (
            _("Every season is there or asked for.") if asking.wishes else _("All of it is in the library.")
        )
        return RequestForm(path=path, note=note, seasons=seasons, error=sent.error)
    return RequestForm(
        path=path,
        submit=_("Follow this request") if _asked_by_others(asking, open_) else _("Request"),
        note=_allowance_note(open_[0]),
        seasons=seasons,
        fields=_quality_fields(open_, sent) if len(open_) > 1 else _one_quality(open_[0]),
        more=_more_fields(asking, sent),
        error=sent.error or sent.errors.get("variant", ""),
        seasons_error=sent.errors.get("seasons", ""),
    )


def _settled(asking: Asking, variant: str) -> bool:
    """Whether all of it is there in this quality, or the person follows a request for all of it."""
    entry = asking.entry
    held = entry.available is not None and (variant != _FINE or entry.available.quality >= _FINE_HEIGHT)
    if entry.kind != SHOW and held:
        return True
    return any(
        one.variant == variant and one.mine and not one.seasons and one.state in _TAKEN
        for one in asking.wishes
    )


def _asked_by_others(asking: Asking, open_: Sequence[Allowance]) -> bool:
    """Whether somebody has asked for the whole of it in the only quality that can be chosen."""
    return len(open_) == 1 and any(
        one.variant == open_[0].variant and not one.seasons and one.state in OPEN for one in asking.wishes
    )


def _season_rows(asking: Asking, variant: str | None) -> tuple[SeasonRow, ...]:
    """variant: the one quality that can be chosen: what is there or asked for in it need not be chosen again. None: there are several."""
    if asking.entry.kind != SHOW:
        return ()
    wished: dict[int, Wanted] = {}
    for one in asking.wishes:
        if one.state in _TAKEN and one.mine and variant in (None, one.variant):
            for number in one.seasons:
                wished.setdefault(number, one)
    rows = []
    for season in asking.details.seasons:
        wish = wished.get(season.number)
        # The library tells how many episodes of a season it has, not how fine each is.
        there = is_there(season) and variant != _FINE
        fixed = variant is not None and (there or wish is not None)
        badge = None
        if there:
            badge = Badge(text=_("Available"), tone="success")
        elif wish is not None:
            badge = wish_badge(wish.state)
        elif season.held:
            badge = Badge(
                text=_("%(held)d of %(count)d there") % {"held": season.held, "count": season.episodes or 0}
            )
        sent = asking.sent
        rows.append(
            SeasonRow(
                number=season.number,
                title=season_title(season),
                note=season_note(season),
                badge=badge,
                fixed=fixed,
                # Specials only for who asks for them.
                chosen=not fixed
                and (season.number in sent.seasons if sent is not None else season.number > 0 and not there),
            )
        )
    return tuple(rows)


def is_there(season: SeasonInfo) -> bool:
    return season.held > 0 and (season.episodes is None or season.held >= season.episodes)


def season_title(season: SeasonInfo) -> str:
    if season.title:
        return season.title
    return _("Season %(number)d") % {"number": season.number} if season.number else _("Specials")


def season_note(season: SeasonInfo) -> str:
    words = []
    if season.episodes:
        words.append(
            ngettext("%(num)d episode", "%(num)d episodes", season.episodes) % {"num": season.episodes}
        )
    if season.released and day(season.released) is not None:
        words.append(season.released[:4])
    return " · ".join(words)


def _quality_label(variant: str) -> str:
    return {"": _("Usual quality"), _FINE: "4K"}.get(variant, variant)


def _quality_fields(open_: Sequence[Allowance], sent: Sent) -> tuple[Field, ...]:
    return (
        Field(
            name="variant",
            label=_("Quality"),
            kind="radio",
            value=sent.variant,
            choices=tuple(Choice(label=_quality_label(one.variant), value=one.variant) for one in open_),
            error=sent.errors.get("variant", ""),
        ),
    )


def _one_quality(allowance: Allowance) -> tuple[Field, ...]:
    if not allowance.variant:
        return ()
    return (
        Field(name="variant", label="", kind="hidden", value=allowance.variant),
        Field(name="quality", label=_("Quality"), kind="static", value=_quality_label(allowance.variant)),
    )


def _more_fields(asking: Asking, sent: Sent) -> tuple[Field, ...]:
    """What few people need: a profile, where there are some, and a word for those who decide."""
    fields = []
    allowed = {one.variant for one in asking.allowances if one.kind == asking.entry.kind and one.allowed}
    fitting = [
        one
        for one in asking.profiles
        if one.variant in allowed and (not one.kinds or asking.entry.kind in one.kinds)
    ]
    if fitting:
        choices = [Choice(label=_("As usual"), value="")]
        choices += [
            Choice(label=f"{one.name} · 4K" if one.variant == _FINE else one.name, value=one.id)
            for one in fitting
        ]
        fields.append(
            Field(
                name="profile_id",
                label=_("Profile"),
                kind="select",
                value=sent.profile_id,
                choices=tuple(choices),
                error=sent.errors.get("profile_id", ""),
            )
        )
    if asking.people:
        fields.append(
            Field(
                name="for_user",
                label=_("Ask for"),
                kind="select",
                value=sent.for_user,
                choices=(
                    Choice(label=_("Myself"), value=""),
                    *(Choice(label=name, value=key) for key, name in asking.people),
                ),
                error=sent.errors.get("for_user", ""),
            )
        )
    fields.append(
        Field(
            name="comment",
            label=_("Comment"),
            kind="textarea",
            value=sent.comment,
            rows=2,
            help=_("For those who decide."),
        )
    )
    return tuple(fields)


def _allowance_note(allowance: Allowance) -> str:
    """What becomes of it, and how many more are possible."""
    words = [_("It is sent on at once.") if allowance.auto_approve else _("An admin looks at it first.")]
    if allowance.left is not None and allowance.limit is not None:
        if allowance.left <= 0 and allowance.next_at is not None:
            words.append(
                _("You have used up your requests. The next one is possible at %(time)s.")
                % {"time": clock(allowance.next_at)}
            )
        elif allowance.meter == "requests":
            words.append(
                _("%(left)d of your %(limit)d requests within %(days)d days are left.")
                % {"left": allowance.left, "limit": allowance.limit, "days": allowance.window_days}
            )
    return " ".join(words)
