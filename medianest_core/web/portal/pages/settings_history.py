"""What settings were: who changed what and when, of the portal and of each service, and bringing an earlier state back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.base.nested import each_setting, entries, entry_title
from medianest_core.domain.accounts.errors import TooManyAttempts
from medianest_core.host.errors import InvalidSettings
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.sdk.settings import MASK
from medianest_core.store.errors import Stale
from medianest_core.store.repos.settings_history import KEEP, Change, State, UnknownState, changes
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, session_of, someone
from medianest_core.web.portal.formats import full_time
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.people import names_of
from medianest_core.web.portal.pages.settings_forms import full_label
from medianest_core.web.portal.pages.settings_subjects import Setting, Subject, subject_of
from medianest_core.web.portal.views import Badge, Field, FieldGroup, Form
from medianest_core.web.portal.views.panels import PanelPart, PanelRow, PanelsView
from medianest_core.web.portal.views.settings import SettingRow, SettingsStateView

_MOST = 4
"""How many settings a row of the list names."""


class SettingsHistoryPages:
    """Handlers of the histories; those of the portal have no `id` in their path."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        found: list[BaseRoute] = []
        for base in ("/admin/settings/history", "/admin/services/{id}/history"):
            found += [
                page(base, self.list, policy=ADMIN),
                page(base + "/{state}", self.show, policy=ADMIN),
                page(base + "/{state}/restore", self.restore, methods=("POST",), policy=ADMIN),
            ]
        return found

    async def list(self, request: Request) -> Response:
        subject = await _subject(request)
        states = await subject.states()
        names = await names_of(services_of(request), (one.actor for one in states))
        known = subject.settings()
        rows = tuple(
            PanelRow(
                title=full_time(one.at),
                path=f"{subject.path}/history/{one.id}",
                notes=tuple(note for note in (_who(one, names), _what(one, known)) if note),
                badge=Badge(text=_("Now"), tone="success") if place == 0 else None,
            )
            for place, one in enumerate(states)
        )
        view = PanelsView(
            title=_("History of the settings"),
            text=_("The newest %(count)s states are kept, without any secret.") % {"count": KEEP},
            crumbs=(*subject.above, (subject.title, subject.path)),
            parts=(
                PanelPart(
                    title=_("Changes"),
                    rows=rows,
                    empty=_("Nothing yet: the history begins with the next change."),
                ),
            ),
        )
        return await self._frame.page(request, "core/panels.html", view)

    async def show(self, request: Request) -> Response:
        return await self._show(request)

    async def _show(
        self,
        request: Request,
        *,
        error: str = "",
        wrong: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        """wrong: name of a field → sentence."""
        services, subject = services_of(request), await _subject(request)
        state = await subject.state(_state_id(request))
        names = await names_of(services, (state.actor,))
        known = subject.settings()
        newest = next(iter(await subject.states()), None)
        current = newest is not None and newest.id == state.id
        by_password = await services.accounts.confirm.by_password(someone(request).id)
        form = None
        if subject.editable and not current:
            form = _form(subject, state, by_password, error, wrong or {})
        view = SettingsStateView(
            title=full_time(state.at),
            text=_who(state, names),
            crumbs=(
                *subject.above,
                (subject.title, subject.path),
                (_("History"), f"{subject.path}/history"),
            ),
            changes=_rows(state.changes or _beginning(state), known, state.values),
            first=not state.changes,
            differences=() if current else _rows(changes(subject.now, subject.restored(state)), known),
            stays=tuple(one.label for one in subject.secrets(state) if one.is_set),
            form=form,
            obstacle="" if subject.editable else _("Its plugin is not running, so nothing can be saved now."),
        )
        return await self._frame.page(request, "core/admin/settings_state.html", view, status=status)

    async def restore(self, request: Request) -> Response:
        subject, form, session = await _subject(request), await request.form(), session_of(request)
        person, version = someone(request).id, whole(form.get("version"))
        state = await subject.state(_state_id(request))
        again = {
            one.name: text
            for one in subject.secrets(state)
            if (text := str(form.get(f"again_{one.name}", "")).strip())
        }
        try:
            await services_of(request).accounts.confirm.check(
                person, session.id if session is not None else None, str(form.get("password", ""))
            )
            await subject.restore(state.id, subject.version if version is None else version, person, again)
        except InvalidSettings as refused:
            wrong = {name: _(text) for name, text in refused.errors.items()}
            return await self._refused(request, subject, refused, wrong)
        except (UserError, TooManyAttempts) as refused:
            field = refused.field if isinstance(refused, UserError) else None
            return await self._refused(request, subject, refused, {field or "": _(str(refused))})
        except Stale as stale:
            said = _("Someone changed the settings meanwhile. What you see now is up to date: look again.")
            return await self._show(request, error=said, status=self._frame.form_status(request, stale, 409))
        return self._frame.go(request, subject.path, message=_("The earlier settings are back."))

    async def _refused(
        self, request: Request, subject: Subject, error: Exception, wrong: Mapping[str, str]
    ) -> Response:
        """Sentences stand beside the fields of the form; those of settings that it has no field for stand above it."""
        state = await subject.state(_state_id(request))
        shown = {one.name for one in subject.secrets(state)}
        if await services_of(request).accounts.confirm.by_password(someone(request).id):
            shown.add("password")
        known = {one.name: one for one in subject.settings()}
        titles = _titles((state.values, subject.now))
        above = [
            f"{_called(name, known.get(_setting(name), Setting(name, '', {})), titles)}: {text}".removeprefix(
                ": "
            )
            for name, text in wrong.items()
            if name not in shown
        ]
        return await self._show(
            request,
            error=" ".join(above) or _("Some fields need another look."),
            wrong=wrong,
            status=self._frame.form_status(request, error),
        )


async def _subject(request: Request) -> Subject:
    return await subject_of(services_of(request), request.path_params.get("id"))


def _state_id(request: Request) -> int:
    found = whole(request.path_params["state"])
    if found is None or not 0 < found < 2**31:
        raise UnknownState(_("This state is not kept any more."))
    return found


def _who(state: State, names: Mapping[str, str]) -> str:
    """Who made the settings so, in the reader's language."""
    name = names.get(state.actor or "")
    if state.action == "found":
        return _("As they were when the history began")
    if name is None:
        return {
            "created": _("Added from the console"),
            "restored": _("Brought back from the console"),
        }.get(state.action, _("Changed from the console"))
    words = {
        "created": _("Added by %(name)s"),
        "restored": _("Brought back by %(name)s"),
    }.get(state.action, _("Changed by %(name)s"))
    return words % {"name": name}


def _what(state: State, known: Sequence[Setting]) -> str:
    labels = [row.label for row in _rows(state.changes, known, state.values)]
    shown = ", ".join(labels[:_MOST])
    if len(labels) > _MOST:
        return _("%(names)s and %(count)s more") % {"names": shown, "count": len(labels) - _MOST}
    return shown


def _beginning(state: State) -> Sequence[Change]:
    """What the oldest state set; what it left empty says nothing."""
    return [one for one in changes({}, state.values) if one.after not in (None, "", [])]


def _rows(
    found: Sequence[Change], known: Sequence[Setting], *values: Mapping[str, Any]
) -> tuple[SettingRow, ...]:
    """In the order of the form; settings that the plugin does not have any more come last, by their own names.

    values: settings that may hold the entries which changes speak of, beside the changes themselves.
    """
    settings = {one.name: one for one in known}
    order = {name: place for place, name in enumerate(settings)}
    seen: dict[str, int] = {}

    def place(change: Change) -> tuple[int, int, int]:
        """Entries one after the other, behind the list itself."""
        plain, outer = _setting(change.name), change.name.partition(".")[0]
        own = order.get(plain, len(order))
        if plain == change.name:
            return own, 0, 0
        return (
            order.get(outer, len(order)),
            seen.setdefault(change.name.rpartition(".")[0], len(seen) + 1),
            own,
        )

    told = ({one.name: value} for one in found for value in (one.before, one.after))
    titles = _titles((*values, *told))
    rows = []
    for change in sorted(_singly(found), key=place):
        plain = _setting(change.name)
        setting = settings.get(plain, Setting(plain, plain, {}))
        same = change.secret and change.before == change.after
        rows.append(
            SettingRow(
                label=_called(change.name, setting, titles),
                before=_told(change.before, setting, titles),
                after=_told(change.after, setting, titles),
                hidden=same,
            )
        )
    return tuple(rows)


def _singly(found: Sequence[Change]) -> Iterator[Change]:
    """With the settings of groups and entries each by itself."""
    hidden = {one.name for one in found if one.secret}
    for change in found:
        if change.name in hidden:
            yield change
            continue
        before, after = each_setting({change.name: change.before}), each_setting({change.name: change.after})
        yield from (one for one in changes(before, after) if one.name not in hidden)


def _setting(name: str) -> str:
    """The name without the id of an entry."""
    outer, *middle, inner = name.split(".") if "." in name else (name, "")
    return f"{outer}.{inner}" if middle else name


def _called(name: str, setting: Setting, titles: Mapping[str, str]) -> str:
    """What a setting is called where it stands alone. name: with the id of the entry that it belongs to."""
    return full_label(setting.label, setting.group, titles.get(name.rpartition(".")[0], ""))


def _titles(several: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """ "list.id" → what to call an entry, from values that hold it."""
    return {
        f"{name}.{entry_id}": title
        for values in several
        for name, value in values.items()
        for entry_id, entry in entries(value)
        if (title := entry_title(entry))
    }


def _told(value: object, setting: Setting, titles: Mapping[str, str]) -> str:
    """A value as a person reads it. titles: "list.id" → what to call an entry."""
    if value is True:
        return _("On")
    if value is False:
        return _("Off")
    if value is None or value == "" or value == []:
        return _("(empty)")
    if value == MASK:
        return _("(a secret)")
    if isinstance(value, list | tuple):
        return ", ".join(titles.get(f"{setting.name}.{one}", str(one)) for one in value)
    return setting.choices.get(str(value), str(value))


def _form(subject: Subject, state: State, by_password: bool, error: str, wrong: Mapping[str, str]) -> Form:
    secrets = tuple(
        Field(
            name=f"again_{one.name}",
            label=one.label,
            kind="secret",
            help=_("Only to set another one; empty leaves it as it is.")
            if one.is_set
            else _("It is not stored any more, so type it again."),
            required=one.required and not one.is_set,
            error=wrong.get(one.name, ""),
        )
        for one in subject.secrets(state)
    )
    proof = (
        FieldGroup(
            fields=(
                Field(
                    name="password",
                    label=_("Your password"),
                    kind="password",
                    required=True,
                    autocomplete="current-password",
                    error=wrong.get("password", ""),
                ),
            )
        )
        if by_password
        else FieldGroup(
            fields=(),
            title=_("Is it you?"),
            help=_("You have no password here, so you must have signed in less than ten minutes ago."),
        )
    )
    return Form(
        path=f"{subject.path}/history/{state.id}/restore",
        groups=(*((FieldGroup(fields=secrets),) if secrets else ()), proof),
        submit=_("Bring these settings back"),
        version=subject.version,
        error=error,
        cancel_path=f"{subject.path}/history",
    )
