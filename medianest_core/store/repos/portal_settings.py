"""The portal's own settings: one versioned row."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, update
from sqlalchemy.engine import RowMapping

from medianest_core.base.clock import now
from medianest_core.sdk.errors import MediaNestError
from medianest_core.store.engine import Database, Tx
from medianest_core.store.errors import Stale
from medianest_core.store.repos import settings_history
from medianest_core.store.repos.audit import record
from medianest_core.store.tables.system import portal_settings


class PortalSettings(BaseModel):
    """What admins decide for everyone."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    site_name: str = Field("MediaNest", min_length=1, max_length=60, description="Shown in the title bar.")
    auto_approve: bool = Field(False, description="Let new people in without an admin's approval.")
    default_locale: Literal["en", "de"] = Field(
        "en", description="Language for people whose browser asks for none we have."
    )
    api_per_minute: int = Field(
        100, ge=10, le=100_000, description="API calls and writes that one person may make in a minute."
    )
    requests_per_hour: int = Field(
        20, ge=1, le=10_000, description="Titles that one person may ask for in an hour."
    )
    local_sign_in: bool = Field(True, description="Offer user name and password on the sign-in page.")
    backup_daily: bool = Field(True, description="Make a backup every day.")
    backup_hour: int = Field(3, ge=0, le=23, description="The hour of the daily backup, UTC.")
    backup_keep_daily: int = Field(7, ge=1, le=90, description="How many daily backups are kept.")
    backup_keep_weekly: int = Field(
        4, ge=0, le=104, description="For how many weeks the last backup of each is kept."
    )


class SettingsUnreadable(MediaNestError):
    """The stored settings are damaged. The portal shows its recovery page; it never starts over with defaults."""


async def load(db: Database) -> tuple[PortalSettings, int]:
    """(settings, version); defaults with version 0 before the first save. Raises SettingsUnreadable."""
    try:
        async with db.glance() as tx:
            row = await tx.first(select(portal_settings))
        if row is None:
            return PortalSettings(), 0
        return PortalSettings.model_validate(row["values"]), int(row["version"])
    except ValueError as error:
        # Also what is no JSON any more.
        raise SettingsUnreadable("The portal's settings are damaged. Restore them from a backup.") from error


async def save(
    tx: Tx, settings: PortalSettings, *, version: int, actor: str | None, restores: int | None = None
) -> int:
    """Store; returns the new version. restores: the state in the history that this is. Raises Stale where someone else was faster."""
    values = settings.model_dump(mode="json")
    before = await tx.first(select(portal_settings))
    if version == 0:
        result = await tx.execute(
            tx.insert(portal_settings)
            .values(id=1, values=values, version=1, updated_at=now())
            .on_conflict_do_nothing()
        )
    else:
        result = await tx.execute(
            update(portal_settings)
            .where(portal_settings.c.version == version)
            .values(values=values, version=version + 1, updated_at=now())
        )
    if result.rowcount != 1:
        current = await tx.one(select(portal_settings))
        raise Stale({**current["values"], "version": current["version"]})
    action: settings_history.Action = "saved" if restores is None else "restored"
    await settings_history.note(
        tx,
        settings_history.PORTAL,
        action=action,
        actor=actor,
        values=values,
        restores=restores,
        before=_before(before),
    )
    details = values if restores is None else {**values, "restores": restores}
    await record(tx, actor=actor, action=f"settings.{action}", target="portal", details=details)
    return version + 1


def _before(row: RowMapping | None) -> settings_history.Before:
    """What counted until now; who saved it is in the audit log alone."""
    if row is None:
        return settings_history.Before(PortalSettings().model_dump(mode="json"), "", now(), None)
    return settings_history.Before(row["values"], "", row["updated_at"], None)
