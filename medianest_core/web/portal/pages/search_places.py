"""What the search box finds in the portal itself: pages, settings, services and what can be done at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from medianest_core.sdk.routes import Viewer
from medianest_core.web.gate.services import Services
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import use_plugin
from medianest_core.web.portal.views import NavGroup, SearchHit

_MOST = 6
_LINK = re.compile(r"https?://\S+", re.I)


def places(text: str, person: Viewer, nav: Iterable[NavGroup], services: Services) -> list[SearchHit]:
    """Of each section those whose name holds the text, or all of a short section where there is none."""
    wanted = text.casefold().split()

    def fits(*words: str) -> bool:
        # Besides its name a place is found by the words that people have for it.
        said = " ".join(words).casefold()
        return all(word in said for word in wanted)

    found = [
        SearchHit(label=link.label, path=link.path, group=_("Pages"), icon=link.icon)
        for group in nav
        for link in group.links
        if fits(link.label)
    ]
    if wanted:
        found += [hit for hit, words in _settings(person, services) if fits(hit.label, words)][:_MOST]
    if _LINK.fullmatch(text):
        path = f"/downloads?url={quote(text, safe='')}"
        found.append(SearchHit(label=_("Download this link"), path=path, group=_("Actions"), icon="download"))
    found += [hit for hit, words in _actions(person) if fits(hit.label, words)]
    return found


def _settings(person: Viewer, services: Services) -> Iterator[tuple[SearchHit, str]]:
    """Each with further words that it is found by."""
    group = _("Settings")
    own: Sequence[tuple[str, str, str, str]] = (
        (_("Preferences"), "preferences", "settings", _("language theme time zone name e-mail dark light")),
        (_("Ways to sign in"), "ways", "key-round", _("login account")),
        (_("Password"), "your-password", "lock", _("change password")),
        (_("Signed-in devices"), "devices", "smartphone", _("sessions browsers")),
        (_("API keys"), "api-keys", "key-round", _("token script")),
    )
    for label, anchor, icon, words in own:
        yield (
            SearchHit(label=label, path=f"/account#{anchor}", group=group, icon=icon, note=_("Account")),
            words,
        )
    yield (
        SearchHit(label=_("Arrange the home page"), path="/home/arrange", group=group, icon="layers"),
        _("cards"),
    )
    if not person.is_admin:
        return
    for info in services.host.instances.all():
        yield (
            SearchHit(
                label=info.title,
                path=f"/admin/services/{info.id}",
                group=group,
                icon="server",
                note=_("Service"),
            ),
            f"{info.plugin} {info.service}",
        )
    for plugin in services.host.registry.plugins():
        with use_plugin(plugin.name):
            title = _(plugin.title) if plugin.title else plugin.name
        yield (
            SearchHit(
                label=title,
                path=f"/admin/plugins/{plugin.name}",
                group=group,
                icon="blocks",
                note=_("Plugin"),
            ),
            plugin.name,
        )


def _actions(person: Viewer) -> Iterator[tuple[SearchHit, str]]:
    group = _("Actions")
    if person.is_admin:
        yield (
            SearchHit(label=_("Sync now"), path="/admin/sync", group=group, icon="refresh-cw", method="post"),
            _("refresh library update"),
        )
        yield (
            SearchHit(label=_("Add a service"), path="/admin/services", group=group, icon="plus"),
            _("connect"),
        )
        yield (
            SearchHit(label=_("Back up"), path="/admin/backups", group=group, icon="archive"),
            _("backup save restore"),
        )
    yield (
        SearchHit(label=_("Sign out"), path="/sign-out", group=group, icon="log-out", method="post"),
        _("log out leave"),
    )
