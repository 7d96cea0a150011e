"""The pages of admins: everything below /admin. Imported by the first request that wants one of them."""

from __future__ import annotations

from starlette.routing import BaseRoute

from medianest_core.web.portal.pages.backups import BackupPages
from medianest_core.web.portal.pages.caches import CachePages
from medianest_core.web.portal.pages.checkup import CheckupPages
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.jobs import JobPages
from medianest_core.web.portal.pages.overview import OverviewPages
from medianest_core.web.portal.pages.people_import import PeoplePages
from medianest_core.web.portal.pages.plugins import PluginAdminPages
from medianest_core.web.portal.pages.request_policies import PolicyPages
from medianest_core.web.portal.pages.request_profiles import ProfilePages
from medianest_core.web.portal.pages.request_rules import RequestRulePages
from medianest_core.web.portal.pages.schedules import SchedulePages
from medianest_core.web.portal.pages.services import ServicePages
from medianest_core.web.portal.pages.settings import SettingsPages
from medianest_core.web.portal.pages.settings_history import SettingsHistoryPages
from medianest_core.web.portal.pages.sync import SyncPages
from medianest_core.web.portal.pages.sync_matching import SyncMatchingPages
from medianest_core.web.portal.pages.sync_part import SyncPartPages
from medianest_core.web.portal.pages.sync_priorities import SyncPriorityPages
from medianest_core.web.portal.pages.sync_report import SyncReportPages
from medianest_core.web.portal.pages.sync_runs import SyncRunPages
from medianest_core.web.portal.pages.sync_servers import SyncServerPages
from medianest_core.web.portal.pages.sync_undo import SyncUndoPages
from medianest_core.web.portal.pages.users import UserPages
from medianest_core.web.portal.pages.webhooks import WebhookPages
from medianest_core.web.portal.pages.webhooks_out import SubscriptionPages

_FAMILIES = (
    SyncUndoPages,
    OverviewPages,
    PeoplePages,
    UserPages,
    RequestRulePages,
    PolicyPages,
    ProfilePages,
    SettingsPages,
    SettingsHistoryPages,
    ServicePages,
    PluginAdminPages,
    SyncPages,
    SyncRunPages,
    SyncServerPages,
    SyncPartPages,
    SyncPriorityPages,
    SyncMatchingPages,
    SyncReportPages,
    JobPages,
    SchedulePages,
    CachePages,
    CheckupPages,
    BackupPages,
    WebhookPages,
    SubscriptionPages,
)


def routes(frame: Frame) -> list[BaseRoute]:
    """Where two would fit an address the first has it."""
    return [route for family in _FAMILIES for route in family(frame).routes()]
