"""View-models of forms: fields generated from settings models, their errors, conflicts and the result of a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .common import Action, Choice, TileState

FieldKind = Literal[
    "text", "url", "email", "password", "secret", "number", "duration", "bytes", "checkbox", "toggle", "select", "multiselect",
    "picks", "radio", "textarea", "list", "path", "color", "time", "hidden", "file", "static",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One form field. `value` is what the input shows (never a secret's); `values` those of list and multiselect fields.

    kind `secret`: `is_set` says that one is stored; an empty input keeps it, the form field `<name>__clear` = "1" removes it.
    kind `checkbox` and `toggle`: value "true" or ""; a hidden "false" is sent with it.
    kind `picks`: a row with a box for each choice, its `help` below it, and one box for all. kind `list`: one input per value, all of one name. `theirs` is the stored value when a save met a newer version.
    `theirs_label` is what the reader sees of it where that is another thing. `look_path` receives the form when the value changes
    and answers the page with the form as it is then (select, radio and multiselect); without a script a button does the same.
    `unit` is shown behind the input. `advanced` puts it behind "More settings".
    """

    name: str
    label: str
    kind: FieldKind = "text"
    help: str = ""
    example: str = ""
    value: str = ""
    values: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    required: bool = False
    error: str = ""
    theirs: str | None = None
    theirs_label: str = ""
    look_path: str = ""
    is_set: bool = False
    advanced: bool = False
    readonly: bool = False
    min: str = ""
    max: str = ""
    step: str = ""
    unit: str = ""
    autocomplete: str = "off"
    inputmode: str = ""
    autofocus: bool = False
    rows: int = 4
    accept: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of an entry list. `title` names its buttons; `note` says what happened to it meanwhile."""

    id: str
    title: str
    fields: tuple[Field, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryList:
    """Entries of several fields each, which can be added, moved and removed.

    `name` is sent once for each entry, with its id, in order. `blank` is one more, whose id `NEW_ENTRY` stands in all its names and
    is replaced by the script that adds it; `spare` is the same without a script, sent as `<name>__spare`.
    """

    name: str
    entries: tuple[Entry, ...]
    blank: Entry
    spare: Entry
    error: str = ""


NEW_ENTRY = "--new-entry--"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldGroup:
    """Fields below a heading; with `list`, entries instead."""

    fields: tuple[Field, ...]
    title: str = ""
    help: str = ""
    list: EntryList | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What "Test connection" found. `detail` is one plain sentence; `steps` what was tried, in order."""

    __test__ = False

    ok: bool
    text: str
    detail: str = ""
    tested_at: float | None = None
    steps: tuple[tuple[str, bool, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form. `path` receives it by POST; `version` is the row's version as read, sent back as the field `version`.

    `conflict` says in one sentence who changed it meanwhile; fields then carry `theirs`. `test_path` receives the same fields
    and answers `core/fragments/test_result.html`.
    """

    path: str
    groups: tuple[FieldGroup, ...]
    submit: str
    id: str = "form"
    version: int | None = None
    error: str = ""
    conflict: str = ""
    test_path: str | None = None
    test: TestResult | None = None
    cancel_path: str | None = None
    danger: Action | None = None
    multipart: bool = False
    state: TileState | None = None
