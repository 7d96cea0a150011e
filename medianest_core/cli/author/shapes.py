"""Do the models of a plugin keep what is put into them: settings through the form and the store, payloads through JSON?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from medianest_core.base.finding import Finding, ok, problem, warning
from medianest_core.base.nested import each_setting, editable, without_ids
from medianest_core.cli.author.samples import fitting
from medianest_core.host.declarations import Declarations
from medianest_core.host.forms import form_fields, parse_form
from medianest_core.host.settings_models import secret_places
from medianest_core.sdk.events import Event
from medianest_core.sdk.jobs import Job
from medianest_core.sdk.routes import ApiRoute
from medianest_core.sdk.settings import MASK, Secret, ServiceSettings, secret_fields

_SECRET = "correct-horse-battery-staple"


def settings_kept(declared: Declarations) -> list[Finding]:
    """Each settings model: stored and read again, shown as a form and typed in again, and its secrets nowhere in clear."""
    found: list[Finding] = []
    for service in declared.services.values():
        what, model = f"settings of {service.name}", service.settings
        try:
            first = fitting(model, dict.fromkeys(secret_fields(model), _SECRET))
        except ValidationError as error:
            wrong = ", ".join(".".join(str(part) for part in one["loc"]) for one in error.errors())
            found.append(
                warning(
                    what,
                    f"No sample fits it (see {wrong or 'its validators'}), so that form and store were not tried.",
                    "Give the fields `Field(examples=[…])` with values that are valid together.",
                )
            )
            continue
        problems = list(_settings_problems(model, first))
        found += [problem(what, text, "Let the model take what it gives.") for text in problems]
        if not problems:
            found.append(ok(what, "Form and store give back what was typed in; secrets stay masked."))
    return found


def _settings_problems(model: type[ServiceSettings], first: ServiceSettings) -> Iterator[str]:
    clear = {"seal_secret": lambda text: text, "open_secret": lambda text: text}
    stored = first.model_dump_json(context=clear)
    try:
        again = model.model_validate_json(stored, context=clear)
    except ValidationError as error:
        yield f"What it stores it does not read again: {_short(error)}"
        return
    if again != first:
        yield "Stored and read again it is something else."
    shown = first.model_dump(mode="json", context=clear)
    posted: dict[str, Any] = {}
    named = each_setting(shown)
    for field in form_fields(model, shown):
        secret = field.kind == "secret"
        if isinstance(field.value, bool):
            posted[field.name] = "true" if field.value else "false"
        elif isinstance(field.value, str):
            posted[field.name] = named.get(field.name) or "" if secret else field.value
        else:
            posted[field.name] = list(field.value)
    try:
        typed = model.model_validate(without_ids(parse_form(model, posted)))
    except ValidationError as error:
        yield f"What its form shows it does not take back: {_short(error)}"
        return
    if typed != first:
        differing = [name for name in model.model_fields if getattr(typed, name) != getattr(first, name)]
        yield f"Typed into its form again, {', '.join(differing)} is something else."
    places = secret_places(model, editable(dict(first)))
    secrets = [place.value.reveal() for place in places if isinstance(place.value, Secret) and place.value]
    if any(secret in repr(first) or secret in first.model_dump_json() for secret in secrets):
        yield "A secret shows in its text or its JSON."
    if secrets and MASK not in first.model_dump_json():
        yield "Its JSON does not mask secrets."


def payloads_kept(declared: Declarations) -> list[Finding]:
    """Arguments of jobs, events and bodies of the API: through JSON and back, unchanged."""
    found: list[Finding] = []
    count = 0
    for what, model in _models(declared):
        count += 1
        try:
            first = fitting(model)
        except (ValidationError, KeyError, RecursionError):
            found.append(
                warning(
                    what,
                    "No sample fits it, so that its way through JSON was not tried.",
                    "Give its fields `Field(examples=[…])`.",
                )
            )
            continue
        try:
            same = model.model_validate_json(first.model_dump_json()) == first
        except ValidationError as error:
            found.append(problem(what, f"Its JSON is not read again: {_short(error)}", "Use plain types."))
            continue
        except Exception as error:
            found.append(
                problem(what, f"It cannot be written as JSON ({type(error).__name__}).", "Use plain types.")
            )
            continue
        if not same:
            found.append(problem(what, "Through JSON and back it is something else.", "Use plain types."))
    if count and not found:
        found.append(ok("payloads", f"{count} went through JSON and back."))
    return found


def _models(declared: Declarations) -> Iterator[tuple[str, type[BaseModel]]]:
    for item in declared.contributions:
        if isinstance(item, Job):
            yield f"job {item.name}", item.args
        elif isinstance(item, type) and issubclass(item, Event):
            yield f"event {item.name}", item
        elif isinstance(item, ApiRoute):
            yield f"answer of {item.method} {item.path}", item.returns
            if item.body is not None:
                yield f"body of {item.method} {item.path}", item.body


def _short(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_context=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
