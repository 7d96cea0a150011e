"""All resources, in the order of the document."""

from __future__ import annotations

from medianest_core.web.rest.v1.collections import collections
from medianest_core.web.rest.v1.downloads import downloads
from medianest_core.web.rest.v1.jobs import jobs
from medianest_core.web.rest.v1.library import library
from medianest_core.web.rest.v1.me import me
from medianest_core.web.rest.v1.notifications import notifications
from medianest_core.web.rest.v1.plugins import plugins
from medianest_core.web.rest.v1.portal import audit, settings
from medianest_core.web.rest.v1.services import services, status
from medianest_core.web.rest.v1.sessions import api_keys, sessions
from medianest_core.web.rest.v1.sign_in import sign_in
from medianest_core.web.rest.v1.sync import sync
from medianest_core.web.rest.v1.users import users

RESOURCES = (
    me,
    sign_in,
    sessions,
    api_keys,
    library,
    collections,
    downloads,
    notifications,
    status,
    jobs,
    sync,
    services,
    plugins,
    users,
    settings,
    audit,
)
