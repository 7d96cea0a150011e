"""Sample view-models of the admin's pages."""

from __future__ import annotations

from dataclasses import replace

from medianest_core.web.portal import views as v
from medianest_core.web.portal.views.admin import ScheduleFormView, SchedulesView
from medianest_core.web.portal.views.plugins import Mistake, SafeMode
from medianest_core.web.portal.views.settings import SettingRow, SettingsStateView
from tests.unit.web.portal.samples_account import OPTIONS, service_form
from tests.unit.web.portal.samples_basics import DAY, HOUR, NOW

HEALTH = (
    v.HealthRow(title="Living room", health="up", label="Working", path="/admin/services/1", text="Plex · 1,284 titles.", latency_ms=14, icon="clapperboard", actions=(v.Action(label="Sync now", path="/admin/services/1/sync", method="post", icon="refresh-cw"),)),
    v.HealthRow(title="Cabin", health="down", label="Not answering", path="/admin/services/2", text="Plex. Connection refused.", since_at=NOW - 40 * 60, icon="clapperboard", actions=(v.Action(label="Try again", path="/admin/services/2/retry", method="post"),)),
    v.HealthRow(title="Video downloads", health="degraded", label="Limited", path="/admin/services/3", text="No JavaScript runtime: install deno.", since_at=NOW - DAY, icon="video"),
)  # fmt: skip


def job(n: int = 1, state: str = "leased") -> v.JobRow:
    label, tone = {
        "leased": ("Running", "primary"),
        "failed": ("Failed", "error"),
        "done": ("Done", "success"),
        "queued": ("Waiting", "neutral"),
    }[state]
    return v.JobRow(
        id=f"j{n}", title=("Bring in Living room", "Harbour walks: Gulls", "Re-check access", "Bring in Cabin")[n % 4], path=f"/admin/jobs/j{n}", state=state, state_label=label, tone=tone,  # type: ignore[arg-type]  # a literal from a table
        progress=v.Progress(live=f"job/j{n}", fraction=0.58, done=743, total=1284, left=20) if state == "leased" else None, owner="Casey", plugin="plex", attempt=2 if state == "failed" else 1, attempts=3, created_at=NOW - 90, started_at=NOW - 80 if state != "queued" else None, ended_at=NOW - 9 if state in ("done", "failed") else None, due_at=NOW + 30 if state == "queued" else None,
        reason="Plex did not answer within 20 s." if state == "failed" else "", actions=(v.Action(label="Retry", path="/x", method="post"),) if state == "failed" else (),
    )  # fmt: skip


def overview() -> v.OverviewView:
    return v.OverviewView(
        stats=(
            v.Stat(label="Services", value="2 of 3", note="1 not answering", tone="warning", icon="server", path="/admin/services"),
            v.Stat(label="Titles", value="1,284", note="12 new this week", icon="library-big"),
            v.Stat(label="Jobs waiting", value="4", icon="list-checks", path="/admin/jobs"),
            v.Stat(label="Disk free", value="412 GB", note="of 2 TB", icon="hard-drive"),
        ),
        todo=(v.HealthRow(title="Casey asks to be let in", health="unknown", label="New", text="Signed in with Plex 4 minutes ago.", icon="user-plus", actions=(v.Action(label="Let in", path="/admin/users/2/approve", method="post", tone="primary"),)),),
        services=HEALTH, running=(job(0), job(1)),
        facts=(v.Fact(label="Version", value="0.1.0"), v.Fact(label="Running since", value=NOW - 3 * DAY, kind="age"), v.Fact(label="Database", value="SQLite"), v.Fact(label="Data", value=82_000_000.0, kind="bytes")),
    )  # fmt: skip


ADMIN = v.Badge(text="Administrator", tone="primary")


MEMBER = v.Badge(text="Member")


def user_rows() -> tuple[v.UserRow, ...]:
    return (
        v.UserRow(
            id="1",
            name="Casey Morgan",
            path="/admin/users/1",
            role=ADMIN,
            status=v.Badge(text="Active", tone="success"),
            email="casey@example.net",
            via="Plex",
            last_seen_at=NOW - 60,
        ),
        v.UserRow(
            id="2",
            name="Robin",
            path="/admin/users/2",
            role=MEMBER,
            status=v.Badge(text="Active", tone="success"),
            via="Plex",
            last_seen_at=NOW - 3 * DAY,
        ),
        v.UserRow(
            id="3",
            name="Kim",
            path="/admin/users/3",
            role=MEMBER,
            status=v.Badge(text="Suspended", tone="error"),
            via="Password",
            last_seen_at=NOW - 90 * DAY,
        ),
    )


def users() -> v.UsersView:
    waiting = v.UserRow(
        id="9", name="Sascha", path="/admin/users/9", role=MEMBER, status=v.Badge(text="Waiting", tone="warning"), via="Plex", asked_at=NOW - 240,
        actions=(v.Action(label="Let in", path="/admin/users/9/approve", method="post", tone="primary", swap="closest [data-swap]"), v.Action(label="Refuse", path="/admin/users/9/refuse", method="post", tone="error", confirm="Sascha cannot sign in then.")),
    )  # fmt: skip
    return v.UsersView(
        users=user_rows(),
        total=4,
        pending=(waiting,),
        tabs=(
            v.Choice(label="All", value="", path="/admin/users", current=True, count=4),
            v.Choice(label="Suspended", value="s", path="/admin/users?status=suspended", count=1),
        ),
    )


def user() -> v.UserView:
    form = v.Form(
        id="user", path="/admin/users/2", submit="Save", version=2,
        groups=(v.FieldGroup(fields=(v.Field(name="role", label="Role", kind="radio", value="user", choices=(v.Choice(label="Member", value="user"), v.Choice(label="Administrator", value="admin"))), v.Field(name="limit", label="Downloads an hour", kind="number", value="5", min="0"))),),
    )  # fmt: skip
    return v.UserView(
        user=user_rows()[1], form=form, identities=(v.Identity(provider="Plex", name="robin", linked_at=NOW - 30 * DAY),), facts=(v.Fact(label="Here since", value=NOW - 30 * DAY, kind="age"),),
        danger=(v.Action(label="Delete", path="/admin/users/2/delete", method="post", tone="error", icon="trash-2", confirm="Downloads and requests of Robin are removed.", confirm_word="Robin"),),
    )  # fmt: skip


def services() -> v.ServicesView:
    return v.ServicesView(services=HEALTH, options=OPTIONS)


def service() -> v.ServiceView:
    return v.ServiceView(
        title="Living room", service="Plex", form=service_form(), icon="clapperboard", health=HEALTH[0], facts=(v.Fact(label="Version", value="1.43.2"), v.Fact(label="Last full sync", value=NOW - HOUR, kind="age")),
        libraries=(v.Choice(label="Movies", value="1", count=912), v.Choice(label="TV Shows", value="2", count=372)), sync=v.Progress(live="sync/1", fraction=0.58, done=743, total=1284, text="TV Shows"),
        danger=(v.Action(label="Remove", path="/admin/services/1/remove", method="post", tone="error", icon="trash-2", confirm="Its titles leave the library.", confirm_word="Living room"),),
        events=(v.LogLine(at=NOW - 60, text="Answering again", tone="success"), v.LogLine(at=NOW - 600, text="Not answering", tone="error", note="Connection refused")),
    )  # fmt: skip


def service_add() -> v.ServiceView:
    return v.ServiceView(
        title="Add Plex",
        service="Plex",
        form=service_form(conflict=True),
        icon="clapperboard",
        text="Films, shows, sign-in and collections",
    )


def plugin_rows() -> tuple[v.PluginRow, ...]:
    return (
        v.PluginRow(name="plex", title="Plex", path="/admin/plugins/plex", state="ACTIVE", state_label="Working", tone="success", version="0.1.0", text="Sign-in, library and collections of Plex Media Servers", instances=2, icon="clapperboard"),
        v.PluginRow(name="tmdb", title="TMDB", path="/admin/plugins/tmdb", state="NEEDS_SETTINGS", state_label="Needs settings", tone="warning", version="0.1.0", text="Titles, overviews and artwork", icon="book-open"),
        v.PluginRow(name="oops", title="oops", path="/admin/plugins/oops", state="IMPORT_FAILED", state_label="Could not be loaded", tone="error", version="2.0", reason="It ended the process while being imported.", since_at=NOW - 3 * DAY, actions=(v.Action(label="Try again", path="/x", method="post"),)),
    )  # fmt: skip


def plugins() -> v.PluginsView:
    return v.PluginsView(
        plugins=plugin_rows(),
        builtin=(
            replace(
                plugin_rows()[0],
                name="local",
                title="Passwords",
                text="Sign-in with a local password",
                instances=0,
                icon="key-round",
            ),
        ),
        safe_mode=SafeMode(
            on=True,
            path="/admin/plugins/safe-mode",
            password=v.Field(name="password", label="Your password", kind="password", required=True),
            error="This is not your password.",
        ),
    )


MISTAKES = (
    Mistake(where="/p/oops/", text="ValueError: no such film", at=NOW - 90, count=3, trace="Traceback (most recent call last):\nValueError"),
    Mistake(where="", text="It works, but made a mistake (check): KeyError: 'up'", at=NOW - DAY, process="nas:41:x"),
)  # fmt: skip


def plugin() -> v.PluginView:
    return v.PluginView(
        plugin=plugin_rows()[2], facts=(v.Fact(label="Distribution", value="medianest-oops", kind="code"), v.Fact(label="API", value="1.0")), contributions=(v.Contribution(kind="Pages", names=("/p/oops/",)),), following="Silver", rules=(v.QualityRule(title="It names the home page of its service."),), instances=HEALTH[:1], mistakes=MISTAKES, hooks=("on_startup", "register_contributions"), traceback="Traceback (most recent call last):\n  File \"plugin.py\", line 3\nSystemExit: 3", add=OPTIONS[:1],
    )  # fmt: skip


def jobs() -> v.JobsView:
    return v.JobsView(
        jobs=(job(0), job(2, "queued"), job(3, "failed"), job(1, "done")), tabs=(v.Choice(label="All", value="", path="/admin/jobs", current=True), v.Choice(label="Failed", value="failed", path="/admin/jobs?state=failed", count=1)),
        stats=(v.Stat(label="Waiting", value="1"), v.Stat(label="Running", value="1", tone="primary"), v.Stat(label="Failed", value="1", tone="error"), v.Stat(label="Done today", value="92")),
        schedules=v.Action(label="Schedules", path="/admin/schedules", icon="alarm-clock"),
    )  # fmt: skip


def schedules() -> SchedulesView:
    run = v.Action(label="Run now", path="/x", method="post", icon="play")
    return SchedulesView(
        rows=(
            v.ScheduleRow(title="Re-check access", when="every 15 minutes", path="/admin/jobs", next_at=NOW + 300, last_at=NOW - 600, actions=(run,)),
            v.ScheduleRow(title="Look for new videos", when="0 4 * * * (Europe/Berlin)", path="/admin/jobs", plugin="youtube", badge=v.Badge(text="Paused", tone="warning"), actions=(run,)),
        ),
        add=v.Action(label="Add a schedule", path="/admin/schedules/add", icon="plus"),
    )  # fmt: skip


def schedule_form() -> ScheduleFormView:
    cron = v.Field(name="cron", label="At these times", example="0 4 * * *", error="That time never comes.")
    return ScheduleFormView(
        title="Look for new videos",
        form=v.Form(id="schedule", path="/x", submit="Save", groups=(v.FieldGroup(fields=(cron,)),)),
    )


def job_view() -> v.JobView:
    return v.JobView(
        job=job(3, "failed"),
        facts=(
            v.Fact(label="Number", value="j3", kind="code"),
            v.Fact(label="Began", value=NOW - 80, kind="age"),
        ),
        arguments='{\n  "instance_ids": ["2"]\n}',
        error="NotReady: connection refused",
        children=(job(0),),
        log=(v.LogLine(at=NOW - 30, text="Attempt 2 failed", tone="error"),),
    )


def conflict() -> v.ConflictView:
    return v.ConflictView(
        title="Robin",
        text="Ada changed this 2 minutes ago.",
        wanted="Suspend",
        present=(v.Fact(label="Status", value="Waiting"), v.Fact(label="Role", value="Member")),
        actions=(
            v.Action(label="Leave it as it is now", path="/admin/users/2", tone="primary"),
            v.Action(
                label="Suspend", path="/admin/users/2/suspend", method="post", values=(("version", "3"),)
            ),
        ),
    )


def settings_state() -> SettingsStateView:
    return SettingsStateView(
        title="Nov 21, 2026, 9:12 AM",
        text="Changed by Casey",
        crumbs=(("Services", "/admin/services"), ("Plex", "/admin/services/1")),
        changes=(
            SettingRow(label="Address", before="http://192.168.1.20:32400/", after="http://plex.home/"),
            SettingRow(label="Token", hidden=True),
        ),
        differences=(SettingRow(label="Name", before="Plex", after="Plex in the cellar"),),
        stays=("Token",),
        form=v.Form(
            path="/admin/services/1/history/3/restore",
            groups=(
                v.FieldGroup(
                    fields=(v.Field(name="password", label="Your password", kind="password", required=True),)
                ),
            ),
            submit="Bring these settings back",
            version=4,
        ),
    )
