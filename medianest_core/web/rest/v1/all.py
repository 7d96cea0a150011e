"""All resources."""

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

# Matched one after the other: what is asked most stands first.
RESOURCES = (
    library,
    collections,
    downloads,
    notifications,
    status,
    me,
    jobs,
    sign_in,
    sessions,
    api_keys,
    sync,
    services,
    plugins,
    users,
    settings,
    audit,
)
