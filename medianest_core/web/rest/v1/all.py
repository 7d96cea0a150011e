"""All resources."""

from __future__ import annotations

from medianest_core.web.rest.v1.activity import activity
from medianest_core.web.rest.v1.backups import backups
from medianest_core.web.rest.v1.caches import caches
from medianest_core.web.rest.v1.calendar import calendar
from medianest_core.web.rest.v1.collections import collections
from medianest_core.web.rest.v1.discover import discover
from medianest_core.web.rest.v1.downloads import downloads
from medianest_core.web.rest.v1.issues import issues
from medianest_core.web.rest.v1.jobs import jobs
from medianest_core.web.rest.v1.library import library
from medianest_core.web.rest.v1.me import me
from medianest_core.web.rest.v1.notifications import notifications
from medianest_core.web.rest.v1.people import people
from medianest_core.web.rest.v1.plugins import plugins
from medianest_core.web.rest.v1.portal import audit, settings
from medianest_core.web.rest.v1.request_rules import request_rules
from medianest_core.web.rest.v1.requests import requests
from medianest_core.web.rest.v1.schedules import schedules
from medianest_core.web.rest.v1.searches import searches
from medianest_core.web.rest.v1.services import services
from medianest_core.web.rest.v1.sessions import api_keys, sessions
from medianest_core.web.rest.v1.sign_in import sign_in
from medianest_core.web.rest.v1.status import status
from medianest_core.web.rest.v1.subscriptions import subscriptions
from medianest_core.web.rest.v1.sync import sync
from medianest_core.web.rest.v1.sync_availability import sync_availability
from medianest_core.web.rest.v1.sync_matching import sync_matching
from medianest_core.web.rest.v1.sync_priorities import sync_priorities
from medianest_core.web.rest.v1.sync_reports import sync_reports
from medianest_core.web.rest.v1.sync_rollback import run_rollback, title_past
from medianest_core.web.rest.v1.sync_webhook import sync_webhook
from medianest_core.web.rest.v1.system import system
from medianest_core.web.rest.v1.users import users
from medianest_core.web.rest.v1.webhooks import webhooks

# Matched one after the other: what is asked most stands first.
RESOURCES = (
    library,
    collections,
    discover,
    downloads,
    subscriptions,
    requests,
    activity,
    issues,
    request_rules,
    notifications,
    searches,
    calendar,
    status,
    me,
    jobs,
    schedules,
    sign_in,
    sessions,
    api_keys,
    sync,
    sync_availability,
    sync_matching,
    sync_priorities,
    sync_reports,
    run_rollback,
    title_past,
    services,
    plugins,
    sync_webhook,
    webhooks,
    people,
    users,
    settings,
    audit,
    backups,
    caches,
    system,
)
