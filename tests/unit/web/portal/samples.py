"""Sample view-models of every page, for rendering tests, the browser test and the gallery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from markupsafe import Markup

from medianest_core.web.portal import views as v
from tests.unit.web.portal import samples_requests, samples_status
from tests.unit.web.portal.samples_account import (
    account,
    arrange,
    code,
    code_expired,
    notifications,
    pending,
    popup,
    setup_admin,
    setup_done,
    setup_service,
    sign_in,
)
from tests.unit.web.portal.samples_admin import (
    conflict,
    job_view,
    jobs,
    overview,
    plugin,
    plugins,
    schedule_form,
    schedules,
    service,
    service_add,
    services,
    settings_state,
    user,
    users,
)
from tests.unit.web.portal.samples_basics import BARE, NOW, shell
from tests.unit.web.portal.samples_downloads import (
    download,
    downloads,
    downloads_empty,
    downloads_preview,
    leaving,
    subscription,
    subscriptions,
)
from tests.unit.web.portal.samples_library import (
    collection,
    collections,
    home,
    home_empty,
    library,
    library_dense,
    library_empty,
    search,
    title,
)


def error(status: int, name: str, text: str) -> v.ErrorView:
    return v.ErrorView(
        status=status,
        title=name,
        text=text,
        correlation_id="7f3c2a90",
        retry_at=NOW + 40 if status in (429, 503) else None,
        actions=(v.Action(label="Go home", path="/", icon="house"),),
    )


@dataclass(frozen=True)
class Sample:
    """One page of the gallery: its name, template, view-model and the path it stands at."""

    name: str
    template: str
    view: object
    path: str = "/"
    shell: v.Shell | None = None

    def context(self, *, live: bool = False) -> dict[str, object]:
        bare = self.template in (
            "core/sign_in.html",
            "core/sign_in_code.html",
            "core/pending.html",
            "core/setup.html",
        )
        around = self.shell or (BARE if bare else shell(self.path))
        return {"view": self.view, "shell": replace(around, live=live and around.user is not None)}


def samples() -> Iterator[Sample]:
    yield Sample("home", "core/home.html", home())
    yield Sample("home-empty", "core/home.html", home_empty(), shell=shell("/", empty=True))
    yield Sample("library", "core/library.html", library(), "/library")
    yield Sample("library-dense", "core/library.html", library_dense(), "/library")
    yield Sample("library-empty", "core/library.html", library_empty(), "/library")
    yield Sample("title", "core/title.html", title(), "/library")
    yield Sample("collections", "core/collections.html", collections(), "/collections")
    yield Sample("collection", "core/collection.html", collection(), "/collections")
    yield Sample("downloads", "core/downloads.html", downloads(), "/downloads")
    yield Sample("downloads-preview", "core/downloads.html", downloads_preview(), "/downloads")
    yield Sample("downloads-empty", "core/downloads.html", downloads_empty(), "/downloads")
    yield Sample("download", "core/download.html", download(), "/downloads")
    yield Sample("requests", "core/requests.html", samples_requests.requests(), "/requests")
    yield Sample("requests-empty", "core/requests.html", samples_requests.requests_empty(), "/requests")
    yield Sample("reports", "core/requests.html", samples_requests.reports(), "/requests/issues")
    yield Sample("watchlist", "core/panels.html", samples_requests.watchlist(), "/requests/watchlist")
    yield Sample("people", "core/panels.html", samples_requests.people(), "/admin/users/import")
    yield Sample("request", "core/request.html", samples_requests.request(), "/requests/r1")
    yield Sample("report", "core/request_issue.html", samples_requests.report(), "/requests/issues/w1")
    yield Sample(
        "report-solved", "core/request_issue.html", samples_requests.report_solved(), "/requests/issues/w2"
    )
    yield Sample("status", "core/status.html", samples_status.status(), "/status")
    yield Sample("status-empty", "core/status.html", samples_status.status_empty(), "/status")
    yield Sample("monitor", "core/monitor.html", samples_status.monitor(), "/status/4")
    yield Sample(
        "announcement", "core/announcement.html", samples_status.announcement(), "/status/announcements/a"
    )
    yield Sample("notifications", "core/notifications.html", notifications(), "/notifications")
    yield Sample("account", "core/account.html", account(), "/account")
    yield Sample("search", "core/search.html", search(), "/search")
    yield Sample("sign-in", "core/sign_in.html", sign_in(), "/sign-in")
    yield Sample("subscriptions", "core/subscriptions.html", subscriptions(), "/downloads/subscriptions")
    yield Sample("subscription", "core/subscription.html", subscription(), "/downloads/subscriptions/1")
    yield Sample("leaving", "core/leaving.html", leaving(), "/sign-in/code")
    yield Sample("sign-in-code", "core/sign_in_code.html", code(), "/sign-in/code")
    yield Sample("sign-in-expired", "core/sign_in_code.html", code_expired(), "/sign-in/code")
    yield Sample("sign-in-popup", "core/sign_in_code.html", popup(), "/sign-in/code")
    yield Sample("pending", "core/pending.html", pending(), "/sign-in/pending")
    yield Sample("setup-admin", "core/setup.html", setup_admin(), "/setup")
    yield Sample("setup-service", "core/setup.html", setup_service(), "/setup")
    yield Sample("setup-done", "core/setup.html", setup_done(), "/setup")
    yield Sample("admin-overview", "core/admin/overview.html", overview(), "/admin")
    yield Sample("admin-users", "core/admin/users.html", users(), "/admin/users")
    yield Sample("admin-user", "core/admin/user.html", user(), "/admin/users/2")
    yield Sample("arrange", "core/arrange.html", arrange(), "/home/arrange")
    yield Sample("conflict", "core/conflict.html", conflict(), "/admin/users/2/suspend")
    yield Sample("admin-services", "core/admin/services.html", services(), "/admin/services")
    yield Sample("admin-service", "core/admin/service.html", service(), "/admin/services/1")
    yield Sample(
        "admin-settings-state",
        "core/admin/settings_state.html",
        settings_state(),
        "/admin/services/1/history/3",
    )
    yield Sample("admin-service-add", "core/admin/service.html", service_add(), "/admin/services/add/plex")
    yield Sample("admin-plugins", "core/admin/plugins.html", plugins(), "/admin/plugins")
    yield Sample("admin-plugin", "core/admin/plugin.html", plugin(), "/admin/plugins/oops")
    yield Sample("admin-jobs", "core/admin/jobs.html", jobs(), "/admin/jobs")
    yield Sample("admin-schedules", "core/admin/schedules.html", schedules(), "/admin/schedules")
    yield Sample("admin-schedule", "core/admin/schedule.html", schedule_form(), "/admin/schedules/x")
    yield Sample("admin-job", "core/admin/job.html", job_view(), "/admin/jobs/j3")
    yield Sample(
        "plugin-page",
        "core/plugin_page.html",
        v.PluginPageView(title="Hello", html=Markup("<section class='panel'>Hello</section>")),
        "/p/hello/",
    )
    yield Sample(
        "error-404",
        "core/errors/error.html",
        error(404, "Nothing here", "This page does not exist, or is not yours to see."),
        "/nowhere",
    )
    yield Sample(
        "error-503-bare",
        "core/errors/error.html",
        error(503, "One moment", "The portal is starting."),
        "/nowhere",
        shell=BARE,
    )
