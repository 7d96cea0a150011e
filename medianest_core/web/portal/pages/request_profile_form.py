"""The form of a profile: for what it is, by which service, and how, as that service lets choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.datastructures import FormData

from medianest_core.domain.requests.entries import Profile
from medianest_core.domain.requests.offers import Offer
from medianest_core.sdk.requests import RequestOption
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import use_plugin
from medianest_core.web.portal.pages.request_policies import Kinds, kind_choices, quality_choices
from medianest_core.web.portal.views import Choice, Field, FieldGroup, Form

_OPTION = "option."


def shown_for(one: Profile) -> str:
    """What a service's offer depends on."""
    return "|".join((one.instance_id or "", one.variant, ",".join(sorted(one.kinds))))


def fits(form: FormData, wanted: Profile) -> bool:
    """Whether the form showed the offer for what was chosen in it."""
    return str(form.get("shown_for", "")) == shown_for(wanted)


def read(form: FormData, stored: Profile) -> Profile:
    """What somebody filled in, over the stored one. Options that the form did not show stay, as long as the service does."""
    wanted = Profile(
        stored.id,
        str(form.get("name", "")).strip()[:200],
        kinds=tuple(dict.fromkeys(str(one)[:40] for one in form.getlist("profile_kind") if one)),
        variant=str(form.get("profile_variant", ""))[:20],
        instance_id=str(form.get("instance_id", ""))[:36] or None,
        position=stored.position,
        preferred=form.getlist("preferred")[-1:] == ["true"],
        admins_only=form.getlist("admins_only")[-1:] == ["true"],
        version=stored.version,
    )
    options: dict[str, str] = {}
    if wanted.instance_id is not None and wanted.instance_id == stored.instance_id:
        options = dict(stored.options)
    if fits(form, wanted):
        for name in form.getlist("shown"):
            chosen = [text for one in form.getlist(f"{_OPTION}{name}") if (text := str(one).strip()[:200])]
            options.pop(str(name), None)
            if chosen:
                options[str(name)[:40]] = ",".join(chosen)
    return replace(wanted, options=options)


def profile_form(
    path: str,
    one: Profile,
    kinds: Kinds,
    services: Mapping[str, str],
    offer: Offer,
    plugin: str,
    theirs: Profile | None = None,
) -> Form:
    """services: instance id → title. plugin: whose words the options are in. theirs: what is stored, where a save met a newer version."""
    other = theirs or one
    look = f"{path}/look"
    takers = (
        Choice(label=_("Any service"), value=""),
        *(Choice(label=title, value=key) for key, title in services.items()),
    )
    qualities = quality_choices()

    def stored(mine: str, present: str, choices: tuple[Choice, ...] = ()) -> tuple[str | None, str]:
        label = next((each.label for each in choices if each.value == present), present)
        return (None, "") if mine == present else (present, label)

    name, _same = stored(one.name, other.name)
    service, service_label = stored(one.instance_id or "", other.instance_id or "", takers)
    quality, quality_label = stored(one.variant, other.variant, qualities)
    fields = (
        Field(name="name", label=_("Name"), required=True, value=one.name, theirs=name),
        Field(
            name="profile_kind",
            label=_("What"),
            kind="multiselect",
            values=tuple(one.kinds),
            choices=kind_choices(kinds),
            help=_("None of them: everything."),
            look_path=look,
        ),
        Field(
            name="profile_variant",
            label=_("Quality"),
            kind="radio",
            value=one.variant,
            choices=qualities,
            theirs=quality,
            theirs_label=quality_label,
            look_path=look,
        ),
        Field(
            name="instance_id",
            label=_("Service"),
            kind="select",
            value=one.instance_id or "",
            choices=takers,
            theirs=service,
            theirs_label=service_label,
            look_path=look,
        ),
        Field(
            name="preferred",
            label=_("Take it where nobody chooses"),
            help=_("The first in the order that fits is taken."),
            kind="toggle",
            value="true" if one.preferred else "",
            theirs=_flag(one.preferred, other.preferred),
        ),
        Field(
            name="admins_only",
            label=_("Only admins may choose it"),
            kind="toggle",
            value="true" if one.admins_only else "",
            theirs=_flag(one.admins_only, other.admins_only),
        ),
    )
    groups: tuple[FieldGroup, ...] = (FieldGroup(fields=fields),)
    if one.instance_id is not None:
        groups += (_offer_group(one, services.get(one.instance_id, ""), offer, plugin),)
    return Form(path=path, id="profile", submit=_("Save"), groups=groups)


def _flag(mine: bool, theirs: bool) -> str | None:
    return None if mine == theirs else "true" if theirs else ""


def _offer_group(one: Profile, title: str, offer: Offer, plugin: str) -> FieldGroup:
    fields = [Field(name="shown_for", label="", kind="hidden", value=shown_for(one))]
    for each in offer.options:
        fields.append(Field(name="shown", label="", kind="hidden", value=each.name))
        fields.append(_option_field(each, one.options.get(each.name, ""), plugin))
    if offer.trouble:
        help = _("What can be chosen is not known now: %(reason)s What was chosen stays as it is.") % {
            "reason": _sentence(_(offer.trouble))
        }
    elif not offer.takes:
        help = _("This service takes none of what the profile is for.")
    elif offer.differs:
        help = _("What can be chosen differs between kinds of titles. Choose one kind above to see it.")
    elif not offer.options:
        help = _("There is nothing to choose at this service.")
    else:
        help = _("As the service offers it now.")
    known = {each.name for each in offer.options}
    for option, value in one.options.items():
        if option not in known:
            fields.append(Field(name=f"kept.{option}", label=option, kind="static", value=value))
    return FieldGroup(fields=tuple(fields), title=title, help=help)


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."


def _option_field(option: RequestOption, chosen: str, plugin: str) -> Field:
    with use_plugin(plugin):
        label = _(option.title)
    values = tuple(each for each in chosen.split(",") if each) if option.many else (chosen,) if chosen else ()
    offered = {each.value: each.title for each in option.choices}
    usual = ", ".join(offered.get(each, each) for each in (option.default or "").split(",") if each)
    choices = [Choice(label=text, value=value) for value, text in offered.items()]
    # What was chosen once and is not offered any more stays visible, so that nobody drops it unseen.
    choices += [
        Choice(label=_("%(name)s (not offered any more)") % {"name": each}, value=each)
        for each in values
        if each not in offered
    ]
    none = _("As usual (%(name)s)") % {"name": usual} if usual else _("As usual")
    if option.many:
        return Field(
            name=_OPTION + option.name,
            label=label,
            kind="multiselect",
            values=values,
            choices=tuple(choices),
            help=_("None of them: %(usual)s") % {"usual": none},
        )
    return Field(
        name=_OPTION + option.name,
        label=label,
        kind="select",
        value=chosen,
        choices=(Choice(label=none, value=""), *choices),
    )
