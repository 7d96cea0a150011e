"""The kinds of notifications and their words. `N_` marks a text for translation; it is translated for its reader."""

from __future__ import annotations

from dataclasses import dataclass

from medianest_core.base.texts import N_


@dataclass(frozen=True, slots=True)
class Kind:
    """title, body: texts with {placeholders} filled from the notification's params. tone: info, success, warning or error."""

    name: str
    title: str
    body: str = ""
    tone: str = "info"
    icon: str = "bell"


_KINDS = (
    Kind(
        "account.pending",
        N_("{name} asks for access"),
        N_("They signed in for the first time and wait for your approval."),
        "info",
        "user-plus",
    ),
    Kind(
        "account.approved",
        N_("Welcome"),
        N_("Your account was approved. Everything is open to you now."),
        "success",
        "user-check",
    ),
    Kind(
        "account.revoked",
        N_("{name} lost access"),
        N_("The service they sign in with no longer shares anything with them."),
        "warning",
        "user-x",
    ),
    Kind("download.done", N_("“{title}” is ready"), "", "success", "download"),
    Kind(
        "download.partial",
        N_("“{title}” is ready in part"),
        N_("Some items could not be downloaded."),
        "warning",
        "download",
    ),
    Kind("download.failed", N_("“{title}” could not be downloaded"), "{reason}", "error", "download"),
    Kind("service.down", N_("{title} does not answer"), "{reason}", "error", "server"),
    Kind("system.alert", "{title}", "{message}", "warning", "triangle-alert"),
)
KINDS = {kind.name: kind for kind in _KINDS}
_OTHER = Kind("", "{title}", "{body}")


def kind_of(name: str) -> Kind:
    """The kind; one that shows the params `title` and `body` for names that are not ours."""
    return KINDS.get(name, _OTHER)
