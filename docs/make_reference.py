"""Writes docs/reference from the code: settings, commands, the JSON API, hooks, the SDK's names, events.

`make reference` runs it. `tests/architecture/test_reference.py` fails when what is committed is not what this would write.
"""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast, get_type_hints

FOLDER = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/make_reference.py from the code: change the code, then run `make reference`. -->\n\n"


def settings() -> str:
    """Environment variables of the portal."""
    from medianest_core.base.settings import AppSettings

    lines = [
        "# Settings\n",
        "Set them in the environment, in a file `.env` in the working folder, or as `NAME_FILE` with the path of a file that holds the"
        " value. Everything else is edited in the portal.\n",
        "| variable | default | what it decides |",
        "|---|---|---|",
    ]
    for name, field in AppSettings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = "" if default is None or default in ("", []) else f"`{str(default).lower()}`"
        lines.append(f"| `MEDIANEST_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines) + "\n"


def commands() -> str:
    """The command line, as its own help says."""
    import typer.main
    from typer.cli import get_docs_for_click
    from typer.models import Context

    from medianest_core.cli.app import app

    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=Context(command, info_name="medianest"), name="medianest")
    return "# Commands\n\n" + re.sub(r"^#", "##", text, flags=re.M).rstrip() + "\n"


def api() -> str:
    """The JSON API's resources with who may use them."""
    from medianest_core.web.gate.services import Services
    from medianest_core.web.rest import app as rest

    built = rest.build(cast(Services, None))
    paths = built.openapi()["paths"]
    access = {(entry.method, entry.path): entry.policy for entry in rest.entries(built)}
    by_tag: dict[str, list[str]] = {}
    for path, methods in paths.items():
        for method, operation in methods.items():
            policy = access[method.upper(), rest.PREFIX + path]
            who = policy.access.value + (" (owner)" if policy.owner else "")
            text = operation.get("description") or operation["summary"]
            line = f"| `{method.upper()}` | `{rest.PREFIX}{path}` | {who} | {_cell(text)} |"
            by_tag.setdefault(operation["tags"][0], []).append(line)
    lines = [
        "# JSON API\n",
        "The schemas of bodies and answers are in `/api/v1/openapi.json` of a running portal, which also lists what plugins add. Errors are"
        " problem+json (RFC 9457) with a correlation id. `owner`: others than the owner and admins get 404.",
    ]
    for tag, rows in sorted(by_tag.items()):
        lines += [f"\n## {tag}\n", "| method | path | who | what |", "|---|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def hooks() -> str:
    """What the core asks a plugin."""
    from medianest_core.sdk import hookspecs

    lines = [
        "# Hooks\n",
        "`register_*` is sync and pure; everything else is `async def`. A plugin marks its own with `@hookimpl`.\n",
        "| hook | gives | what it is for |",
        "|---|---|---|",
    ]
    for name, function in _functions(hookspecs, lambda one: hasattr(one, "medianest_spec")):
        signature = inspect.signature(function)
        colour = "async " if inspect.iscoroutinefunction(function) else ""
        arguments = ", ".join(f"{one.name}: {one.annotation}" for one in signature.parameters.values())
        lines.append(
            f"| `{colour}{name}({arguments})` | `{signature.return_annotation}` | {_cell(inspect.getdoc(function))} |"
        )
    return "\n".join(lines) + "\n"


def sdk() -> str:
    """Every public name of `medianest_core.sdk`, by file."""
    import medianest_core.sdk as package

    lines = ["# The SDK\n", "All of it is imported from `medianest_core.sdk`."]
    for module, names in sorted(package._FILES.items()):
        text = inspect.getdoc(importlib.import_module(f"medianest_core.sdk.{module}")) or ""
        lines += [f"\n## {module}\n", text + "\n"]
        for name in sorted(names):
            lines += _described(name, getattr(package, name))
    return "\n".join(lines).rstrip() + "\n"


def events() -> str:
    """The core's events with their fields."""
    from medianest_core.bus import events as module
    from medianest_core.sdk.events import Event

    lines = ["# Events\n", "Times are epoch seconds. A transient event is sent live and kept only briefly.\n"]
    lines += ["| event | fields | when |", "|---|---|---|"]
    found = [
        one
        for one in vars(module).values()
        if inspect.isclass(one) and issubclass(one, Event) and one is not Event
    ]
    for event in sorted(found, key=lambda one: one.name):
        fields = ", ".join(f"{name}: {_type(field.annotation)}" for name, field in event.model_fields.items())
        kind = " *(transient)*" if event.transient else ""
        lines.append(f"| `{event.name}`{kind} | {_cell(fields)} | {_cell(inspect.getdoc(event))} |")
    return "\n".join(lines) + "\n"


def webhooks() -> str:
    """What is posted to those who subscribed to events."""
    import json

    from medianest_core.domain.webhooks.catalogue import TEST, Catalogue, body_of, core_events
    from medianest_core.domain.webhooks.sending import RETRY

    known = core_events()
    example = body_of(
        "request:update",
        1_763_726_400.0,
        known["request:update"](request_id="9c0e…", status="available", title="Tin Moon").model_dump(),  # type: ignore[call-arg]  # its own fields
    )
    pauses = ", ".join(f"{RETRY.after(attempt):.0f}" for attempt in range(1, RETRY.attempts))
    lines = [
        "# Messages to others\n",
        "What a subscription under *Administration → Webhooks* receives, as `POST` with `Content-Type: application/json`. The guide is in"
        " [operate/webhooks.md](../operate/webhooks.md).\n",
        "```json",
        json.dumps(json.loads(example), indent=2, ensure_ascii=False),
        "```\n",
        "| header | holds |",
        "|---|---|",
        "| `webhook-id` | `msg_…`: the same for every attempt and every replay of a message |",
        "| `webhook-timestamp` | when it was sent, epoch seconds |",
        "| `webhook-signature` | `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64; two of them for a day after a new secret |",
        f"\nAny 2xx takes the message. Else there are {RETRY.attempts} attempts in all, with pauses of {pauses} seconds, longer where"
        " `Retry-After` says so; 410 ends the subscription.\n",
        f"`timestamp` is ISO 8601; all other times are epoch seconds. `{TEST}` is what the test button sends. Plugins add events of their"
        " own; `GET /api/v1/webhooks/events` lists all with their JSON schemas.\n",
        "| type | data | when |",
        "|---|---|---|",
    ]
    for kind in Catalogue().all():
        fields = ", ".join(
            f"{name}: {_type(field.annotation)}" for name, field in known[kind.name].model_fields.items()
        )
        lines.append(f"| `{kind.name}` | {_cell(fields)} | {_cell(kind.about)} |")
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings,
    "commands.md": commands,
    "api.md": api,
    "hooks.md": hooks,
    "sdk.md": sdk,
    "events.md": events,
    "webhooks.md": webhooks,
}


def _functions(module: Any, wanted: Callable[[Any], bool]) -> list[tuple[str, Any]]:
    return [
        (name, one)
        for name, one in vars(module).items()
        if inspect.isfunction(one) and one.__module__ == module.__name__ and wanted(one)
    ]


def _described(name: str, value: Any) -> list[str]:
    home = str(getattr(value, "__module__", ""))
    if (inspect.isclass(value) or inspect.isfunction(value)) and not home.startswith("medianest_core"):
        return [f"### `{name}`\n", f"From `{home.partition('.')[0]}`.\n"]
    own = inspect.getdoc(value) if inspect.isclass(value) or inspect.isfunction(value) else ""
    inherited = inspect.isclass(value) and not vars(value).get("__doc__")
    # A dataclass without a docstring is given its signature as one.
    text = "" if inherited or (own or "").startswith(f"{name}(") else own or ""
    lines = [f"### `{name}`\n"]
    if text:
        lines.append(text + "\n")
    if inspect.isclass(value) and issubclass(value, enum.Enum):
        lines += [", ".join(f"`{one.name}`" for one in value) + "\n"]
    elif inspect.isclass(value):
        lines += _members(value)
    return lines


def _members(value: type) -> list[str]:
    """Fields and public methods that the class itself defines, in the order of the file."""
    lines = []
    source = ast.parse(textwrap.dedent(inspect.getsource(value))).body[0]
    assert isinstance(source, ast.ClassDef)
    hints = _hints(value)
    for node in source.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            field = node.target.id
            if not field.startswith("_") and field in hints:
                default = f" = {ast.unparse(node.value)}" if node.value is not None else ""
                lines.append(f"- `{field}: {ast.unparse(node.annotation)}{default}`")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            colour = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
            arguments = ast.unparse(node.args).removeprefix("self, ").removeprefix("self")
            answer = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
            said = ast.get_docstring(node)
            lines.append(
                f"- `{colour}{node.name}({arguments}){answer}`" + (f": {_cell(said)}" if said else "")
            )
    return [*lines, ""] if lines else []


def _hints(value: type) -> dict[str, Any]:
    try:
        return get_type_hints(value)
    except NameError:  # names that only type checkers import
        return dict(value.__annotations__)


def _type(annotation: Any) -> str:
    return annotation.__name__ if inspect.isclass(annotation) else str(annotation).replace("typing.", "")


def _cell(text: str | None) -> str:
    """One cell of a Markdown table."""
    return " ".join((text or "").split()).replace("|", "\\|")


def written() -> dict[str, str]:
    """Text of each page by file name."""
    return {name: NOTE + make() for name, make in PAGES.items()}


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    for name, text in written().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
