"""Settings of a service type as a form of the portal, for the services page and the set-up wizard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.datastructures import FormData

from medianest_core.host.errors import InvalidSettings
from medianest_core.host.forms import FormField, form_fields, parse_form
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.service import CheckResult, ServiceType
from medianest_core.web.gate.services import Services
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.views import Choice, Field, FieldGroup, Form, TestResult

_KINDS = {"bool": "toggle"}


def fields(found: Sequence[FormField], theirs: Mapping[str, Any] | None = None) -> tuple[FieldGroup, ...]:
    """Inputs of a settings model, those of its groups last; `theirs` are the stored values when someone else was faster."""
    parts: dict[str, list[Field]] = {"": []}
    for one in found:
        parts.setdefault(one.group, []).append(_field(one, theirs))
    return tuple(
        FieldGroup(title=_(title) if title else "", fields=tuple(inputs)) for title, inputs in parts.items()
    )


def _field(one: FormField, theirs: Mapping[str, Any] | None) -> Field:
    value = one.value
    shown = ("true" if value else "") if one.kind == "bool" else value if isinstance(value, str) else ""
    mine = shown if isinstance(value, str | bool) else _text(value)
    stored = None if theirs is None or one.kind == "secret" else _text(_at(theirs, one.name))
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


def _at(values: Mapping[str, Any], name: str) -> Any:
    """The value of a field, which may stand in a group."""
    outer, dot, inner = name.partition(".")
    value = values.get(outer)
    return value.get(inner) if dot and isinstance(value, Mapping) else value


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
            *fields(form_fields(kind.settings, values, wrong), settings),
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


async def test_settings(
    services: Services,
    plugin: str,
    kind: ServiceType[Any, Any],
    form: FormData,
    instance_id: str | None = None,
) -> TestResult:
    """Try what was typed on a temporary instance; nothing is stored."""
    try:
        values = parse_form(kind.settings, form)
        result = await services.host.instances.test(plugin, kind.name, values, instance_id)
    except InvalidSettings as error:
        named = "; ".join(f"{name}: {_(text)}" for name, text in error.errors.items())
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
