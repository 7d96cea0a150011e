"""The kinds of notifications and their words. `N_` marks a text for translation; it is translated for its reader."""

from __future__ import annotations

from dataclasses import dataclass

from medianest_core.base.texts import N_


@dataclass(frozen=True, slots=True)
class Kind:
    """title, body: texts with {placeholders} filled from the notification's params. tone: info, success, warning or error.

    sentences: params that hold a sentence, told in the reader's language too.
    """

    name: str
    title: str
    body: str = ""
    tone: str = "info"
    icon: str = "bell"
    sentences: tuple[str, ...] = ("reason",)


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
    Kind(
        "request.pending",
        N_("“{title}” was requested"),
        N_("It waits for your approval."),
        "info",
        "inbox",
    ),
    Kind("request.held", N_("“{title}” waits for your decision"), "{reason}", "warning", "inbox"),
    Kind("request.approved", N_("Your request for “{title}” was approved"), "", "success", "check"),
    Kind("request.declined", N_("Your request for “{title}” was declined"), "{reason}", "warning", "x"),
    Kind("request.available", N_("“{title}” is here"), N_("You can watch it now."), "success", "play"),
    Kind("request.partial", N_("The first of “{title}” is here"), "", "success", "play"),
    Kind("request.failed", N_("“{title}” could not be fetched"), "{reason}", "error", "triangle-alert"),
    Kind("request.comment", N_("{by} wrote about “{title}”"), "{text}", "info", "message-circle"),
    Kind("issue.open", N_("Something is wrong with “{title}”"), "{message}", "warning", "flag"),
    Kind("issue.resolved", N_("Your report about “{title}” was answered"), "{answer}", "success", "check"),
    Kind("service.down", N_("{title} does not answer"), "{reason}", "error", "server"),
    Kind("service.down.many", N_("{count} services do not answer"), "{title}", "error", "server"),
    Kind("service.recovered", N_("{title} answers again"), "", "success", "circle-check"),
    Kind("service.recovered.many", N_("{count} services answer again"), "{title}", "success", "circle-check"),
    Kind(
        "service.flapping",
        N_("{title} goes down and comes back again and again"),
        N_("You hear of it again once it is steady."),
        "warning",
        "activity",
    ),
    Kind(
        "service.flapping.many",
        N_("{count} services go down and come back again and again"),
        "{title}",
        "warning",
        "activity",
    ),
    Kind(
        "sync.done",
        N_("The sync is complete"),
        N_("{added} added, {changed} changed, {removed} removed."),
        "success",
        "folder-sync",
    ),
    Kind("sync.failed", N_("The sync failed"), N_("No server could be read."), "error", "folder-sync"),
    Kind("system.alert", "{title}", "{message}", "warning", "triangle-alert", ("title", "message")),
)
KINDS = {kind.name: kind for kind in _KINDS}
_OTHER = Kind("", "{title}", "{body}")


def kind_of(name: str) -> Kind:
    """The kind; one that shows the params `title` and `body` for names that are not ours."""
    return KINDS.get(name, _OTHER)
