"""The portal's own settings as a form: their labels and help, and the one mistake that would lock everybody out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medianest_core.store.repos.portal_settings import PortalSettings
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.views import Choice, Field

ELSEWHERE = ("backup_daily", "backup_hour", "backup_keep_daily", "backup_keep_weekly")
"""Settings that are edited where they are used: on the page of the backups."""
_LANGUAGES = (("en", "English"), ("de", "Deutsch"))


def portal_fields(
    shown: PortalSettings,
    typed: Mapping[str, Any] | None = None,
    *,
    wrong: Mapping[str, str] | None = None,
    theirs: Mapping[str, Any] | None = None,
) -> tuple[Field, ...]:
    """All settings in their order. typed: over what is `shown`. wrong: name → sentence. theirs: what somebody saved meanwhile."""
    values = shown.model_dump(mode="json") | dict(typed or {})
    errors = wrong or {}

    def text(name: str, source: Mapping[str, Any]) -> str:
        value = source.get(name)
        return ("true" if value else "") if isinstance(value, bool) else str(value)

    def told(name: str) -> dict[str, Any]:
        other = None if theirs is None else text(name, theirs)
        mine = text(name, values)
        return {
            "name": name,
            "value": mine,
            "error": errors.get(name, ""),
            "theirs": other if other != mine else None,
        }

    def count(name: str, label: str, low: int, high: int) -> Field:
        return Field(
            label=label, kind="number", required=True, min=str(low), max=str(high), step="1", **told(name)
        )

    return (
        Field(label=_("Name of your portal"), required=True, **told("site_name")),
        Field(
            label=_("Language"),
            kind="select",
            help=_("For people whose browser asks for none of these."),
            choices=tuple(Choice(label=label, value=value) for value, label in _LANGUAGES),
            **told("default_locale"),
        ),
        Field(
            label=_("Let new people in without approval"),
            kind="toggle",
            help=_("Otherwise each new person waits until an admin approves."),
            **told("auto_approve"),
        ),
        Field(
            label=_("Sign in by user name and password"),
            kind="toggle",
            help=_("Switched off, people come in through services alone."),
            **told("local_sign_in"),
        ),
        count("requests_per_hour", _("Titles that one person may ask for in an hour"), 1, 10_000),
        count("api_per_minute", _("API calls and writes that one person may make in a minute"), 10, 100_000),
        Field(label=_("Make a backup every day"), kind="toggle", **told("backup_daily")),
        count("backup_hour", _("Hour of the daily backup (UTC)"), 0, 23),
        count("backup_keep_daily", _("Daily backups to keep"), 1, 90),
        count("backup_keep_weekly", _("Weeks to keep"), 0, 104),
    )
