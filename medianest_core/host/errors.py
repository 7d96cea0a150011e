"""What the host can refuse or report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medianest_core.sdk.errors import MediaNestError, NotReady, ProviderError, UserError


class Invalid(MediaNestError):
    """A plugin's declarations are wrong. problems: one sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


class Incompatible(MediaNestError):
    """The plugin was written for another version; the message says which."""


class PluginFault(ProviderError):
    """The plugin made a mistake: it raised what no service can cause. The traceback is in the log."""


class Busy(NotReady):
    """Too many calls to the instance are waiting already."""


class SettingsUnreadable(MediaNestError):
    """Stored settings of an instance cannot be read. They are never replaced by defaults."""


class InvalidSettings(UserError):
    """An admin typed settings that do not fit. errors: field name → sentence; "" for the whole form. Never holds an input."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        field, message = next(iter(errors.items()))
        super().__init__(message, field or None)
        self.errors = dict(errors)


class UnknownPlugin(MediaNestError):
    """No plugin of that name is installed."""


class UnknownInstance(MediaNestError):
    """There is no such instance."""


class UnknownService(MediaNestError):
    """No active plugin brings this service type."""
