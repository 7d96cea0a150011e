"""What the plugin brings and what it decides."""

from __future__ import annotations

from collections.abc import Sequence

from medianest_core.sdk import (
    ADMIN,
    Attempt,
    Audience,
    BackendChoice,
    Contributions,
    Denial,
    Listener,
    Manifest,
    MediaChoice,
    MediaType,
    PluginContext,
    QuotaMeter,
    RequestItem,
    Review,
    ReviewVerdict,
    ServiceTypes,
    Slot,
    TitleKey,
    Viewer,
    hookimpl,
)
from medianest_house_rules import diary
from medianest_house_rules.rules import RULES, House

manifest = Manifest(
    "house_rules",
    title="House rules",
    api="1.0",
    description="Looks at new requests by the rules of the house.",
    icon="puzzle",
)


async def seasons(item: RequestItem) -> float:
    """All seasons of a series count as one: how many there are is not known here."""
    return float(len(item.seasons) or 1)


@hookimpl
def register_services() -> ServiceTypes:
    return [RULES]


@hookimpl
def register_contributions() -> Contributions:
    return [
        MediaType("audiobook", "Audiobook", "Audiobooks", icon="puzzle"),
        QuotaMeter("seasons", "Seasons", "requests", seasons),
        diary.Held,
        Listener(diary.Held, diary.write_down, durable=True),
        Slot("title.aside", "held", diary.beside, policy=ADMIN),
    ]


@hookimpl
async def review_request(context: PluginContext, item: RequestItem, user: str) -> Review | None:
    if len(item.seasons) <= House.rules.seasons:
        return None
    reason = f"More than {House.rules.seasons} seasons at once wait for an admin."
    await context.emit(diary.Held(title=item.title, reason=reason), Audience.admins())
    return Review(ReviewVerdict.HOLD, reason)


@hookimpl
async def choose_backend(
    context: PluginContext, item: RequestItem, candidates: Sequence[BackendChoice]
) -> str | None:
    if item.variant != "4k":
        return None
    word = House.rules.best.lower()
    return next((one.instance for one in candidates if word in one.title.lower()), None)


@hookimpl
async def authorize(context: PluginContext, viewer: Viewer, attempt: Attempt) -> Denial | None:
    # The decision itself asks nobody: every page waits for it.
    if not viewer.is_admin and any(attempt.path.startswith(one) for one in House.rules.closed):
        return Denial("This part of the portal is closed to everyone but admins.")
    return None


@hookimpl
async def resolve_media(
    context: PluginContext, title: TitleKey, candidates: Sequence[MediaChoice]
) -> str | None:
    word = House.rules.best.lower()
    return next((one.instance for one in candidates if word in one.title.lower()), None)


@hookimpl
async def on_startup(context: PluginContext) -> None:
    context.log.info("rules in force", held=len(diary.read(context)))


@hookimpl
async def on_settings_changed(context: PluginContext, instance: str) -> None:
    # The rules themselves come and go with the instance; see `connect` and `close`.
    context.log.info("rules changed", instance=instance)


@hookimpl
async def on_shutdown(context: PluginContext) -> None:
    context.log.info("rules in force until now", seasons=House.rules.seasons)


@hookimpl
async def on_uninstall(context: PluginContext) -> None:
    (context.data_dir / "held.txt").unlink(missing_ok=True)
