"""Settings of a service type as a form of the portal, for the services page and the set-up wizard."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from starlette.datastructures import FormData

from medianest_core.base.nested import each_setting, editable, entries, new_entry_id
from medianest_core.host.errors import InvalidSettings
from medianest_core.host.forms import (
    FormField,
    blank_entry,
    entry_titles,
    form_fields,
    parse_form,
    shown_again,
)
from medianest_core.host.settings_models import secret_places
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.service import CheckResult, ServiceType
from medianest_core.sdk.settings import ServiceSettings
from medianest_core.web.gate.services import Services
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.views import Choice, Entry, EntryList, Field, FieldGroup, Form, TestResult
from medianest_core.web.portal.views.forms import NEW_ENTRY

_KINDS = {"bool": "toggle"}


def fields(
    model: type[ServiceSettings],
    values: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    theirs: Mapping[str, Any] | None = None,
) -> tuple[FieldGroup, ...]:
    """Inputs of a settings model, those of groups and lists last; `theirs` are the stored values when someone else was faster."""
    shown, added = (values, frozenset[str]()) if theirs is None else _with_theirs(values or {}, theirs)
    found = form_fields(model, shown, errors)
    flat = None if theirs is None else each_setting(theirs)
    titles = entry_titles(model, shown or {})
    parts: dict[str, list[Field]] = {"": []}
    lists: dict[str, FieldGroup] = {}
    for one in found:
        if one.kind == "entries":
            own = [inner for inner in found if inner.entry and inner.name.startswith(f"{one.name}.")]
            lists[one.name] = _list(model, one, own, titles, flat, added)
        elif not one.entry:
            parts.setdefault(one.group, []).append(_field(one, flat))
    groups = (
        FieldGroup(title=_(title) if title else "", fields=tuple(inputs)) for title, inputs in parts.items()
    )
    return (*groups, *lists.values())


def _with_theirs(
    mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Collection[str]]:
    """My values with entries that only theirs have, and the ids of those: saving must not remove them unseen."""
    values, added = editable(mine), set[str]()
    for name, value in editable(theirs).items():
        known = {entry_id for entry_id, _ in entries(values.get(name))}
        more = {entry_id: one for entry_id, one in entries(value) if entry_id not in known}
        if more and isinstance(values.get(name), list):
            values[name] = [*values[name], *more.values()]
            added |= more.keys()
    return values, added


def _list(
    model: type[ServiceSettings],
    field: FormField,
    inputs: Sequence[FormField],
    titles: Mapping[str, str],
    theirs: Mapping[str, Any] | None,
    added: Collection[str],
) -> FieldGroup:
    """A list of entries. inputs: those of all of them. titles: "list.id" → what to call an entry. added: ids of `theirs` alone."""
    note = _("Only in what they saved. Remove it if it should not be there.")
    own = {
        entry_id: tuple(_field(one, theirs) for one in inputs if one.entry == entry_id)
        for entry_id in (() if isinstance(field.value, bool) else field.value)
    }
    spare, new = new_entry_id(), _("New entry")
    return FieldGroup(
        title=_(field.label),
        help=_(field.help),
        fields=(),
        list=EntryList(
            name=field.name,
            entries=tuple(
                Entry(
                    id=entry_id,
                    title=titles.get(f"{field.name}.{entry_id}", ""),
                    fields=shown,
                    note=note if entry_id in added else "",
                )
                for entry_id, shown in own.items()
            ),
            blank=Entry(id=NEW_ENTRY, title=new, fields=_blank(model, field.name, NEW_ENTRY)),
            spare=Entry(id=spare, title=new, fields=_blank(model, field.name, spare)),
            error=_(field.error),
        ),
    )


def _blank(model: type[ServiceSettings], name: str, entry_id: str) -> tuple[Field, ...]:
    return tuple(_field(one, None) for one in blank_entry(model, name, entry_id))


def _field(one: FormField, theirs: Mapping[str, Any] | None) -> Field:
    """theirs: stored values by the names of the fields."""
    value = one.value
    shown = ("true" if value else "") if one.kind == "bool" else value if isinstance(value, str) else ""
    mine = shown if isinstance(value, str | bool) else _text(value)
    stored = None if theirs is None or one.kind == "secret" else _text(theirs.get(one.name))
    return Field(
        name=one.name,
        label=_(one.label),
        kind=_KINDS.get(one.kind, one.kind),  # type: ignore[arg-type]  # the remaining kinds have the same names
        help=_(one.help),
        example=one.example,
        value=one.reference or shown,
        values=tuple(value) if not isinstance(value, str | bool) else (),
        choices=tuple(Choice(label=_(label), value=key, current=key == value) for key, label in one.choices),
        required=one.required,
        error=_(one.error),
        theirs=stored if stored != mine else None,
        is_set=one.is_set,
        advanced=one.advanced,
        min=_number(one.minimum),
        max=_number(one.maximum),
        step=_number(one.step),
    )


def _text(value: object) -> str:
    """A stored value as its field would hold it."""
    if isinstance(value, bool):
        return "true" if value else ""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(str(one) for one in value)
    return "" if value is None else str(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def title_field(value: str, error: str = "", theirs: str | None = None) -> FieldGroup:
    """The instance's own name, above its settings."""
    return FieldGroup(
        fields=(
            Field(
                name="instance_title",
                label=_("Name"),
                help=_("How people will see it, for example “Living room”."),
                value=value,
                required=True,
                error=_(error),
                theirs=theirs if theirs != value else None,
                autofocus=not value,
            ),
        )
    )


def service_form(
    kind: ServiceType[Any, Any],
    *,
    path: str,
    test_path: str,
    cancel_path: str,
    title: str,
    values: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    version: int | None = None,
    theirs: Mapping[str, Any] | None = None,
) -> Form:
    """The form that adds (`version` None) or edits an instance; `theirs` as a Stale of the instance says it."""
    wrong = dict(errors or {})
    settings = None if theirs is None else theirs.get("settings", {})
    return Form(
        path=path,
        groups=(
            title_field(title, wrong.pop("title", ""), None if theirs is None else theirs.get("title")),
            *fields(kind.settings, values, wrong, settings),
        ),
        submit=_("Save"),
        version=version,
        error=_("Some fields need another look.") if errors else "",
        conflict=_("Someone else changed this in the meantime. Their values stand beside yours.")
        if theirs
        else "",
        test_path=test_path,
        cancel_path=cancel_path,
    )


def field_labels(model: type[ServiceSettings], values: Mapping[str, Any]) -> dict[str, str]:
    """Name of each field → what it is called where it stands alone. values: for the entries of lists."""
    titles = entry_titles(model, values)
    return {
        one.name: full_label(_(one.label), _(one.group), titles.get(one.name.rpartition(".")[0], ""))
        for one in form_fields(model, values)
    }


def full_label(label: str, group: str, entry: str = "") -> str:
    """group: label of what the field belongs to, or empty. entry: what its entry of a list is called."""
    above = f"{group} · {entry}" if entry else group
    return f"{above}: {label}" if above else label


def refused(
    model: type[ServiceSettings],
    stored: Mapping[str, Any],
    typed: Mapping[str, Any],
    errors: Mapping[str, str],
) -> tuple[dict[str, Any], dict[str, str]]:
    """(values, errors) of a form that could not be saved: secrets that were typed are not repeated, so they are asked for again."""
    again = {
        place.name: _("Type this again: nothing was saved yet.")
        for place in secret_places(model, editable(typed))
        if isinstance(place.value, str) and place.value and not place.value.startswith("$")
    }
    return shown_again(model, stored, typed), again | dict(errors)


async def test_settings(
    services: Services,
    plugin: str,
    kind: ServiceType[Any, Any],
    form: FormData,
    instance_id: str | None = None,
) -> TestResult:
    """Try what was typed on a temporary instance; nothing is stored."""
    values = parse_form(kind.settings, form)
    try:
        result = await services.host.instances.test(plugin, kind.name, values, instance_id)
    except InvalidSettings as error:
        labels = field_labels(kind.settings, values)
        named = "; ".join(f"{labels.get(name, name)}: {_(text)}" for name, text in error.errors.items())
        return TestResult(ok=False, text=_("Some fields need another look."), detail=named)
    except MediaNestError as error:
        return TestResult(ok=False, text=_("That did not work."), detail=_(str(error)))
    return found(result)


def found(result: CheckResult) -> TestResult:
    """What a check found, as lines."""
    steps = [(_(name), True, _(value)) for name, value in result.details.items()]
    steps += [(_("Warning"), False, _(warning)) for warning in result.warnings]
    version = _("Version %(version)s") % {"version": result.version} if result.version else ""
    return TestResult(ok=True, text=_(result.message), detail=version, steps=tuple(steps))
