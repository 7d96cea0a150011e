"""What is behind a link, with the choices a person has before it is downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from starlette.datastructures import FormData

from medianest_core.domain.downloads.entries import Preview
from medianest_core.sdk.downloads import Availability
from medianest_core.sdk.downloads import Choice as Option
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.routes import Viewer
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.download_rows import download_art
from medianest_core.web.portal.views import Choice, Field, FieldGroup, Form, PreviewItem, PreviewView


def availability_label(availability: Availability, note: str) -> str:
    """Why an item cannot be had; empty where it can."""
    if availability is Availability.OK:
        return ""
    words = {
        Availability.PRIVATE: _("Private"),
        Availability.REMOVED: _("Removed"),
        Availability.LIVE: _("Live now"),
        Availability.UPCOMING: _("Not out yet"),
        Availability.RESTRICTED: _("Restricted"),
    }[availability]
    return f"{words}: {_(note)}" if note else words


def preview_view(found: Preview, person: Viewer) -> PreviewView:
    """What is behind a link, with the choices that the person has."""
    kinds = {"video": _("Video"), "playlist": _("Playlist"), "channel": _("Channel")}
    ok = [one for one in found.items if one.item.availability is Availability.OK]
    durations = [one.item.duration for one in ok if one.item.duration]
    sizes = [one.item.size for one in ok if one.item.size]
    return PreviewView(
        url=found.url,
        title=found.title,
        kind=found.kind,  # type: ignore[arg-type]  # the domain uses the same words
        kind_label=kinds.get(found.kind, found.kind),
        form=_choices_form(found, person),
        author=found.channel,
        art=download_art(found.image, found.title),
        items=tuple(
            PreviewItem(
                id=one.item.key,
                title=one.item.title,
                art=download_art(one.image, one.item.title),
                duration=one.item.duration,
                size=one.item.size,
                problem=availability_label(one.item.availability, one.item.note),
                have=one.have,
                chosen=one.item.availability is Availability.OK,
            )
            for one in found.items
        ),
        total_items=found.total,
        hidden=max(0, found.total - len(found.items)),
        duration=sum(durations) or None,
        size=sum(sizes) if sizes and len(sizes) == len(ok) else None,
        notes=tuple(_(warning) for warning in found.warnings),
    )


def _choices_form(found: Preview, person: Viewer) -> Form:
    fields: list[Field] = []
    if found.options is not None:
        fields.append(_select("quality", _("Quality"), found.options.qualities))
        fields.append(_select("container", _("Format"), found.options.containers))
        if found.options.subtitles:
            fields.append(
                Field(
                    name="subtitles",
                    label=_("Subtitles"),
                    help=_("Languages, separated by commas; leave empty for none."),
                    example="en, de",
                )
            )
    if found.targets:
        choices = [
            Choice(
                label=f"{target.instance} · {target.title}",
                value=f"{target.instance_id}/{target.library}",
                current=index == 0,
            )
            for index, target in enumerate(found.targets)
        ]
        choices.append(Choice(label=_("Nowhere, only keep the files"), value=""))
        shared = _(
            "Everyone with access to that library can see a collection there; the download itself stays yours."
        )
        fields.append(
            Field(
                name="target",
                label=_("File it into"),
                kind="select",
                help=shared,
                value=choices[0].value,
                choices=tuple(choices),
            )
        )
        fields.append(
            Field(
                name="collection",
                label=_("Collection"),
                help=_("Any collection of that library, or a new one.")
                if person.is_admin
                else _("A new one, or one that was made for your downloads."),
                example=found.title if found.kind != "video" else "",
            )
        )
        if person.is_admin:
            fields.append(
                Field(
                    name="server_folder",
                    label=_("Downloads folder, as the server sees it"),
                    help=_("Only where the portal's guess is wrong."),
                    example=found.targets[0].folder or "",
                )
            )
    return Form(
        path="/downloads",
        id="submit",
        groups=(FieldGroup(fields=tuple(fields)),),
        submit=_("Download"),
        cancel_path="/downloads",
    )


def shown_again(view: PreviewView, sent: FormData, problem: UserError) -> PreviewView:
    """The form as it was sent, with what is wrong at the field that it is about."""
    about = "target" if problem.field == "library" else problem.field
    fields = tuple(
        replace(
            field,
            value=str(sent.get(field.name, field.value)),
            choices=tuple(
                replace(one, current=one.value == sent.get(field.name, field.value)) for one in field.choices
            ),
            error=_(str(problem)) if field.name == about else "",
            autofocus=field.name == about,
        )
        for group in view.form.groups
        for field in group.fields
    )
    picked = set(sent.getlist("item"))
    return replace(
        view,
        form=replace(
            view.form,
            groups=(FieldGroup(fields=fields),),
            error="" if any(field.error for field in fields) else _(str(problem)),
        ),
        items=tuple(replace(one, chosen=one.id in picked) for one in view.items),
    )


def _select(name: str, label: str, options: Sequence[Option]) -> Field:
    chosen = list(options)
    return Field(
        name=name,
        label=label,
        kind="select",
        value=chosen[0].value if chosen else "",
        choices=tuple(
            Choice(
                label=_(one.label) + (f" ({_(one.note)})" if one.note else ""),
                value=one.value,
                current=index == 0,
            )
            for index, one in enumerate(chosen)
        ),
    )
