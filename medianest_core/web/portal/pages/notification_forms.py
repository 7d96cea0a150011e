"""The forms of the page for notifications outside the portal."""

from __future__ import annotations

from collections.abc import Mapping

from medianest_core.domain.notify.channel import Kind
from medianest_core.domain.notify.times import Times
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.views import Choice, Field, FieldGroup, Form


def address_form(
    path: str, kind: Kind, texts: tuple[str, str, str], typed: Mapping[str, str], errors: Mapping[str, str]
) -> Form:
    """texts: title, help and example of the address."""
    title, help_, example = texts
    return Form(
        path=path,
        id=f"add-{kind.instance_id}",
        groups=(
            FieldGroup(
                fields=(
                    Field(name="instance_id", label="", kind="hidden", value=kind.instance_id),
                    Field(
                        name="target",
                        label=title,
                        kind="email" if kind.confirms else "text",
                        required=True,
                        help=help_,
                        example=example,
                        autocomplete="email" if kind.confirms else "off",
                        error=errors.get("target", ""),
                    ),
                    Field(name="label", label=_("Your name for it"), value=typed.get("label", "")),
                )
            ),
        ),
        submit=_("Add"),
    )


def code_form(path: str, channel_id: str, errors: Mapping[str, str]) -> Form:
    return Form(
        path=path,
        id=f"code-{channel_id}",
        groups=(
            FieldGroup(
                fields=(
                    Field(
                        name="code",
                        label=_("The code we sent there"),
                        required=True,
                        autocomplete="one-time-code",
                        inputmode="numeric",
                        error=errors.get("code", ""),
                    ),
                )
            ),
        ),
        submit=_("Confirm"),
    )


def times_form(
    path: str, times: Times, admin: bool, typed: Mapping[str, str], errors: Mapping[str, str]
) -> Form:
    """typed: what could not be saved."""
    stored = {
        "quiet_from": _clock(times.quiet_from),
        "quiet_to": _clock(times.quiet_to),
        "digest_hour": str(times.digest_hour),
        "urgent": "true" if times.urgent else "",
    }
    shown = {**stored, **typed}
    fields = [
        Field(
            name="quiet_from",
            label=_("Quiet from"),
            kind="time",
            value=shown["quiet_from"],
            error=errors.get("quiet_from", ""),
        ),
        Field(
            name="quiet_to",
            label=_("Quiet until"),
            kind="time",
            value=shown["quiet_to"],
            help=_("What comes in between is kept and sent afterwards. Times are those of %(zone)s.")
            % {"zone": times.zone.replace("_", " ")},
            error=errors.get("quiet_to", ""),
        ),
        Field(
            name="digest_hour",
            label=_("Daily summary at"),
            kind="select",
            value=shown["digest_hour"],
            choices=tuple(Choice(label=f"{hour:02}:00", value=str(hour)) for hour in range(24)),
            error=errors.get("digest_hour", ""),
        ),
    ]
    if admin:
        fields.append(
            Field(
                name="urgent",
                label=_("Wake me when something is down"),
                kind="toggle",
                value="true" if shown["urgent"] == "true" else "",
                help=_("What is urgent goes out at once, also in quiet hours and past the summary."),
            )
        )
    return Form(
        path=path,
        id="times",
        groups=(FieldGroup(fields=tuple(fields)),),
        submit=_("Save"),
        version=times.version,
    )


def _clock(minute: int | None) -> str:
    return "" if minute is None else f"{minute // 60:02}:{minute % 60:02}"
