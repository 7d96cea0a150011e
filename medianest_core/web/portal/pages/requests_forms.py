"""Forms of the pages for requests: the way that a request takes, why it is declined, what is said about it, and answers to reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.datastructures import FormData

from medianest_core.domain.requests.entries import IssueReport, Profile, Request
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.requests import RequestOption
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import use_plugin
from medianest_core.web.portal.pages.requests_rows import BASE
from medianest_core.web.portal.views import Choice, Field, FieldGroup, Form

_OPTION = "option."


def way_form(
    one: Request,
    action: str,
    submit: str,
    profiles: Sequence[Profile],
    services: Mapping[str, str],
    error: UserError | None = None,
) -> Form:
    """Approve a request or send it again, with what can be chosen for it. services: instance id → title of those that take requests."""
    fields = _profile_field(one, profiles, "", _("As it was chosen"), error)
    if len(services) > 1:
        fields.append(
            Field(
                name="instance_id",
                label=_("Service"),
                kind="select",
                value="",
                choices=(
                    Choice(label=_("As it was chosen"), value=""),
                    *(Choice(label=title, value=key) for key, title in services.items()),
                ),
                error=said(error, "instance_id"),
            )
        )
    return Form(
        path=f"{BASE}/{one.id}/{action}",
        id=action,
        submit=submit,
        version=one.version,
        groups=(FieldGroup(fields=tuple(fields)),) if fields else (),
    )


def chosen_way(sent: FormData) -> dict[str, Any]:
    """What somebody chose in `way_form` or `service_form`; what was left as it is stays out."""
    found: dict[str, Any] = {
        name: value
        for name in ("profile_id", "instance_id")
        if (value := str(sent.get(name, "")).strip()[:36])
    }
    options = {}
    for name in dict.fromkeys(sent):
        if name.startswith(_OPTION):
            chosen = [value for one in sent.getlist(name) if (value := str(one).strip()[:200])]
            if chosen:
                options[name.removeprefix(_OPTION)[:40]] = ",".join(chosen)
    return found | ({"options": options} if options else {})


def service_form(
    one: Request, action: str, submit: str, service: str, options: Sequence[RequestOption], plugin: str
) -> Form:
    """Approve a request, or send it again, by one service with what it lets choose. service: instance id."""
    fields = [Field(name="instance_id", label="", kind="hidden", value=service)]
    for each in options:
        chosen = one.options.get(each.name, "") if one.instance_id in (None, service) else ""
        with use_plugin(plugin):
            label = _(each.title)
        usual = next((choice.title for choice in each.choices if choice.value == each.default), "")
        choices = tuple(Choice(label=choice.title, value=choice.value) for choice in each.choices)
        none = Choice(label=_("As usual (%(name)s)") % {"name": usual} if usual else _("As usual"), value="")
        fields.append(
            Field(
                name=_OPTION + each.name,
                label=label,
                kind="multiselect" if each.many else "select",
                value="" if each.many else chosen,
                values=tuple(chosen.split(",")) if each.many and chosen else (),
                choices=choices if each.many else (none, *choices),
            )
        )
    return Form(
        path=f"{BASE}/{one.id}/{action}",
        id="way",
        submit=submit,
        version=one.version,
        cancel_path=f"{BASE}/{one.id}",
        groups=(FieldGroup(fields=tuple(fields)),),
    )


def edit_form(
    one: Request,
    profiles: Sequence[Profile],
    sent: Mapping[str, str],
    error: UserError | None = None,
    picks: Field | None = None,
) -> Form:
    """Change what is asked for while nobody has decided. picks: the seasons to choose from, where they are known."""
    fields: list[Field] = []
    if picks is not None:
        fields += [Field(name="picks", label="", kind="hidden", value="1"), picks]
    elif one.root_kind == "show":
        fields.append(
            Field(
                name="seasons",
                label=_("Seasons"),
                value=sent.get("seasons", ", ".join(str(number) for number in one.seasons)),
                help=_("Numbers with commas between them. Empty: all there are."),
                example="1, 2",
                error=said(error, "seasons"),
            )
        )
    chosen = sent.get("profile_id", one.profile_id or "")
    fields += _profile_field(one, profiles, chosen, _("As usual"), error)
    fields.append(
        Field(
            name="comment",
            label=_("Comment"),
            kind="textarea",
            rows=2,
            value=sent.get("comment", ""),
            help=_("For those who decide."),
        )
    )
    unplaced = error is not None and error.field not in ("seasons", "profile_id")
    return Form(
        path=f"{BASE}/{one.id}/edit",
        id="edit",
        submit=_("Save"),
        version=one.version,
        cancel_path=f"{BASE}/{one.id}",
        error=_(str(error)) if unplaced else "",
        groups=(FieldGroup(fields=tuple(fields)),),
    )


def decline_form(one: Request, reason: str = "", error: UserError | None = None) -> Form:
    return Form(
        path=f"{BASE}/{one.id}/decline",
        id="decline",
        submit=_("Decline"),
        version=one.version,
        groups=(
            FieldGroup(
                fields=(
                    Field(
                        name="reason",
                        label=_("Reason"),
                        kind="textarea",
                        rows=2,
                        help=_("The person who asked reads this."),
                        value=reason,
                        error=said(error, "text"),
                    ),
                )
            ),
        ),
    )


def comment_form(request_id: str, text: str = "", error: UserError | None = None) -> Form:
    return Form(
        path=f"{BASE}/{request_id}/comments",
        id="comment",
        submit=_("Send"),
        groups=(
            FieldGroup(
                fields=(
                    Field(
                        name="text",
                        label=_("Your message"),
                        kind="textarea",
                        rows=2,
                        required=True,
                        value=text,
                        error=said(error, "text"),
                        autofocus=error is not None,
                    ),
                )
            ),
        ),
    )


def answer_form(one: IssueReport) -> Form:
    return Form(
        path=f"{BASE}/issues/{one.id}/resolve",
        id="answer",
        submit=_("Answer and mark as solved"),
        version=one.version,
        groups=(
            FieldGroup(
                fields=(
                    Field(
                        name="answer",
                        label=_("Answer"),
                        kind="textarea",
                        rows=3,
                        help=_("The person who reported it reads this."),
                        value=one.answer,
                    ),
                )
            ),
        ),
    )


def said(error: UserError | None, name: str) -> str:
    """What is wrong with this field, in the reader's language."""
    return _(str(error)) if error is not None and error.field == name else ""


def _profile_field(
    one: Request, profiles: Sequence[Profile], value: str, none: str, error: UserError | None
) -> list[Field]:
    """The choice among the profiles that fit the request; nothing where none does. none: what it means to choose none."""
    fitting = [
        each
        for each in profiles
        if each.variant == one.variant and (not each.kinds or {one.kind, one.root_kind} & set(each.kinds))
    ]
    if not fitting:
        return []
    choices = (Choice(label=none, value=""), *(Choice(label=each.name, value=each.id) for each in fitting))
    return [
        Field(
            name="profile_id",
            label=_("Profile"),
            kind="select",
            value=value,
            choices=choices,
            error=said(error, "profile_id"),
        )
    ]
