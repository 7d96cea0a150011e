"""Whose settings have a history: the portal itself, and each configured service. Both are read and brought back alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from medianest_core.base.nested import each_setting
from medianest_core.host.forms import FormField, blank_entry, form_fields
from medianest_core.host.instance import InstanceInfo
from medianest_core.host.past_settings import as_typed, not_kept
from medianest_core.sdk.settings import ServiceSettings
from medianest_core.store.repos.settings_history import KEEP, TITLE, State
from medianest_core.web.gate.services import Services
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.portal_form import portal_fields
from medianest_core.web.portal.pages.settings_forms import field_labels


@dataclass(frozen=True, slots=True)
class Setting:
    """What a setting is called, and what its values are called where there is a choice.

    name: of a setting in an entry without its id. group: label of what it belongs to.
    """

    name: str
    label: str
    choices: Mapping[str, str]
    group: str = ""


class Subject(Protocol):
    """path: of the page that edits the settings. version: of what is stored now. now: its values, secrets masked."""

    title: str
    path: str
    above: tuple[tuple[str, str], ...]
    version: int
    now: Mapping[str, Any]
    editable: bool

    def settings(self) -> Sequence[Setting]:
        """In the order of the form."""
        ...

    def restored(self, state: State) -> Mapping[str, Any]:
        """What would stand there after a restore, secrets masked."""
        ...

    def secrets(self, state: State) -> Sequence[FormField]:
        """Secrets that the state had, and that are not kept; `is_set` where one stands there now. Each label stands alone."""
        ...

    async def states(self) -> Sequence[State]:
        """Newest first."""
        ...

    async def state(self, state_id: int) -> State:
        """Raises UnknownState."""
        ...

    async def restore(self, state_id: int, version: int, actor: str, again: Mapping[str, str]) -> None:
        """Raises InvalidSettings, UserError, Stale, UnknownState."""
        ...


class PortalSubject:
    """The portal's own settings."""

    editable = True
    path = "/admin/settings"
    above: tuple[tuple[str, str], ...] = ()

    def __init__(self, services: Services) -> None:
        self._services = services
        reader = services.portal_settings
        self.title = _("Settings of the portal")
        self.version = reader.version
        self.now: Mapping[str, Any] = reader.now.model_dump(mode="json")

    def settings(self) -> Sequence[Setting]:
        return [
            Setting(one.name, one.label, {choice.value: choice.label for choice in one.choices})
            for one in portal_fields(self._services.portal_settings.now)
        ]

    def restored(self, state: State) -> Mapping[str, Any]:
        return {name: state.values.get(name, value) for name, value in self.now.items()}

    def secrets(self, state: State) -> Sequence[FormField]:
        return ()

    async def states(self) -> Sequence[State]:
        return await self._services.portal_settings.history(limit=KEEP)

    async def state(self, state_id: int) -> State:
        return await self._services.portal_settings.state(state_id)

    async def restore(self, state_id: int, version: int, actor: str, again: Mapping[str, str]) -> None:
        await self._services.portal_settings.restore(state_id, version, actor)


class ServiceSubject:
    """The settings of an instance."""

    def __init__(self, services: Services, info: InstanceInfo) -> None:
        self._instances = services.host.instances
        self._info = info
        self._kind = services.host.registry.service_type(info.plugin, info.service)
        self.title = info.title
        self.path = f"/admin/services/{info.id}"
        self.above: tuple[tuple[str, str], ...] = ((_("Services"), "/admin/services"),)
        self.version = info.version
        self.now: Mapping[str, Any] = {**self._instances.form_values(info.id), TITLE: info.title}
        self.editable = self._kind is not None

    def settings(self) -> Sequence[Setting]:
        title = Setting(TITLE, _("Name"), {})
        if self._kind is None:
            return [title, *(Setting(name, name, {}) for name in self.now if name != TITLE)]
        return [
            title,
            *(
                Setting(
                    one.name,
                    _(one.label),
                    {key: _(label) for key, label in one.choices},
                    _(one.group),
                )
                for one in self._fields(self._kind.settings)
            ),
        ]

    def _fields(self, model: type[ServiceSettings]) -> Iterator[FormField]:
        """Of all settings that there can be; those of entries without an id."""
        for one in form_fields(model):
            if one.entry:
                continue
            yield one
            if one.kind == "entries":
                for inner in blank_entry(model, one.name, ""):
                    yield replace(inner, name=inner.name.replace("..", "."))

    def restored(self, state: State) -> Mapping[str, Any]:
        if self._kind is None:
            return self.now
        return {**self.now, **as_typed(self._kind.settings, state.values, self.now, {}), TITLE: state.title}

    def secrets(self, state: State) -> Sequence[FormField]:
        if self._kind is None:
            return ()
        model, names = self._kind.settings, not_kept(self._kind.settings, state.values)
        labels, stands = field_labels(model, state.values), each_setting(self.now)
        return [
            replace(one, label=labels[one.name], is_set=bool(stands.get(one.name)))
            for one in form_fields(model, state.values)
            if one.name in names
        ]

    async def states(self) -> Sequence[State]:
        return await self._instances.history(self._info.id, limit=KEEP)

    async def state(self, state_id: int) -> State:
        return await self._instances.state(self._info.id, state_id)

    async def restore(self, state_id: int, version: int, actor: str, again: Mapping[str, str]) -> None:
        await self._instances.restore(self._info.id, state_id, version, actor, again)


async def subject_of(services: Services, instance_id: str | None) -> Subject:
    """The instance, or with None the portal. Raises UnknownInstance."""
    if instance_id is None:
        await services.portal_settings.current()
        return PortalSubject(services)
    return ServiceSubject(services, services.host.instances.info(instance_id))
