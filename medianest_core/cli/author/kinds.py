"""The kinds of plugin that `medianest plugins new` can begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook of the new plugin. body: its lines; CLS and PACKAGE stand for the plugin's own names."""

    name: str
    alias: str
    body: Sequence[str]


@dataclass(frozen=True, slots=True)
class Kind:
    """folder: of its templates. module: what its main file is called. suites: contract suites that its test takes.

    service: it has instances. client: it asks the service over HTTP. simulator: it brings a stand-in that serves.
    """

    folder: str
    sentence: str
    description: str
    what: str
    module: str
    icon: str
    hooks: Sequence[Hook]
    suites: Sequence[str] = ()
    client: bool = True
    simulator: bool = True
    service: bool = True

    @property
    def stands_in(self) -> str:
        """Folder of the templates for what the service answers."""
        return "status" if self.folder == "page" else self.folder

    @property
    def aliases(self) -> list[str]:
        """What the hooks return."""
        return [hook.alias for hook in self.hooks]


def _provider(hook: str, alias: str, module: str, suffix: str) -> Hook:
    return Hook(hook, alias, (f"from PACKAGE.{module} import CLS{suffix}", "", f"return [CLS{suffix}]"))


_STATUS = _provider("register_status_providers", "StatusProviders", "status", "Status")
KINDS: dict[str, Kind] = {
    "status": Kind(
        "status",
        "whether its things are up",
        "Says whether things are up.",
        "the things it looks after",
        "status",
        "activity",
        (_STATUS,),
        ("StatusContract",),
    ),
    "media": Kind(
        "media",
        "its films in the library",
        "Brings its films into the library.",
        "its libraries and records",
        "media",
        "film",
        (_provider("register_media_sources", "MediaSources", "media", "Media"),),
        ("MediaContract",),
    ),
    "auth": Kind(
        "auth",
        "its accounts to sign in with",
        "Lets people sign in with their account there.",
        "how people prove who they are",
        "auth",
        "key-round",
        (_provider("register_auth_providers", "AuthProviders", "auth", "Auth"),),
        ("AuthContract",),
    ),
    "fields": Kind(
        "fields",
        "what it knows of titles that others hold",
        "Completes titles of the library with what it knows of them.",
        "the fields it knows",
        "fields",
        "database",
        (_provider("register_field_owners", "FieldOwners", "fields", "Fields"),),
        ("FieldOwnerContract",),
    ),
    "downloader": Kind(
        "downloader",
        "its clips, fetched from pasted addresses",
        "Fetches clips from pasted addresses.",
        "what is behind an address, and fetching it",
        "downloads",
        "download",
        (_provider("register_downloaders", "Downloaders", "downloads", "Downloads"),),
        ("DownloaderContract",),
    ),
    "requests": Kind(
        "requests",
        "requests for films that are missing",
        "Takes over requests for films.",
        "handing requests on and asking how far they are",
        "requests",
        "inbox",
        (_provider("register_request_backends", "RequestBackends", "requests", "Requests"),),
        ("RequestContract",),
    ),
    "catalog": Kind(
        "catalog",
        "titles of the whole world",
        "Knows titles that exist in the world.",
        "searching it and reading a title",
        "catalog",
        "search",
        (_provider("register_catalogs", "Catalogs", "catalog", "Catalog"),),
        ("CatalogContract",),
    ),
    "notifier": Kind(
        "notifier",
        "notifications outside the portal",
        "Carries notifications to people.",
        "handing a message over",
        "notify",
        "bell",
        (_provider("register_notifiers", "Notifiers", "notify", "Notifier"),),
        ("NotifierContract",),
    ),
    "webhook": Kind(
        "webhook",
        "what it posts when something happens",
        "Tells the portal where to look again.",
        "what its deliveries mean",
        "webhooks",
        "webhook",
        (_provider("register_webhook_receivers", "WebhookReceivers", "webhooks", "Webhooks"),),
        ("WebhookContract",),
        client=False,
        simulator=False,
    ),
    "page": Kind(
        "page",
        "a page and a card of its own",
        "Shows a page and a card of its own.",
        "the page and the card",
        "pages",
        "layout-dashboard",
        (
            _STATUS,
            Hook(
                "register_contributions",
                "Contributions",
                (
                    "from medianest_core.sdk import Card, NavItem, Page",
                    "",
                    "from PACKAGE import pages",
                    "",
                    "return [",
                    '    Page("", pages.page, title=manifest.title),',
                    '    NavItem(manifest.title, f"/p/{manifest.name}/"),',
                    '    Card("services", manifest.title, pages.card),',
                    "]",
                ),
            ),
        ),
        ("StatusContract",),
    ),
}
