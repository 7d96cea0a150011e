"""Sample view-models of set-up, sign-in and one's own things."""

from __future__ import annotations

from dataclasses import replace

from medianest_core.web.portal import views as v
from tests.unit.web.portal.samples_basics import DAY, HOUR, NOW


def notifications() -> v.NotificationsView:
    return v.NotificationsView(
        unread=2,
        tabs=(
            v.Choice(label="All", value="", path="/notifications", current=True),
            v.Choice(label="Unread", value="u", path="/notifications?unread=1", count=2),
        ),
        read_all=v.Action(
            label="Mark all as read", path="/notifications/read", method="post", icon="check-check"
        ),
        notices=(
            v.Notice(
                id="1",
                title="Harbour walks is ready",
                text="6 items in the collection",
                created_at=NOW - 300,
                tone="success",
                icon="download",
                path="/downloads/d1",
            ),
            v.Notice(
                id="2",
                title="Casey asks to be let in",
                created_at=NOW - 4000,
                icon="user-plus",
                tone="primary",
                path="/admin/users",
            ),
            v.Notice(
                id="3",
                title="Cabin is not answering",
                text="It was back after 4 minutes",
                created_at=NOW - DAY,
                tone="warning",
                icon="server-off",
                read=True,
            ),
        ),
    )


def preferences() -> v.Form:
    return v.Form(
        path="/account",
        submit="Save",
        id="prefs",
        version=3,
        groups=(
            v.FieldGroup(
                fields=(
                    v.Field(
                        name="language",
                        label="Language",
                        kind="select",
                        value="en",
                        choices=(
                            v.Choice(label="English", value="en"),
                            v.Choice(label="Deutsch", value="de"),
                        ),
                    ),
                    v.Field(
                        name="zone",
                        label="Time zone",
                        value="Europe/Vienna",
                        example="Europe/Vienna",
                        required=True,
                    ),
                )
            ),
        ),
    )


def account() -> v.AccountView:
    return v.AccountView(
        name="Casey Morgan", email="casey@example.net", role=v.Badge(text="Administrator", tone="primary"), member_since_at=NOW - 200 * DAY, preferences=preferences(),
        themes=(), identities=(v.Identity(provider="Plex", name="casey", linked_at=NOW - 200 * DAY),),
        devices=(
            v.Device(label="Firefox on Linux", last_seen_at=NOW - 5, started_at=NOW - DAY, place="192.168.1.20", current=True),
            v.Device(label="Safari on iPhone", last_seen_at=NOW - 3 * HOUR, started_at=NOW - 9 * DAY, place="192.168.1.31", icon="smartphone", end=v.Action(label="Sign out", path="/account/devices/2/end", method="post")),
        ),
        keys=(v.ApiKey(label="Home automation", prefix="mn_7fK2", created_at=NOW - 40 * DAY, scopes=("library:read",), remove=v.Action(label="Remove", path="/account/keys/1/remove", method="post", tone="error", confirm="Scripts that use it stop working.")),),
        key_form=v.Form(id="key", path="/account/keys", submit="Make a key", groups=(v.FieldGroup(fields=(v.Field(name="label", label="What is it for?", required=True, example="Home automation"),)),)),
    )  # fmt: skip


def sign_in() -> v.SignInView:
    local = v.Form(
        id="local", path="/sign-in/local", submit="Sign in",
        groups=(v.FieldGroup(fields=(v.Field(name="username", label="User name", required=True, autocomplete="username"), v.Field(name="password", label="Password", kind="password", required=True, autocomplete="current-password"))),),
    )  # fmt: skip
    return v.SignInView(
        methods=(
            v.SignInMethod(
                key="plex",
                label="Sign in with Plex",
                kind="popup",
                path="/sign-in/plex/popup",
                primary=True,
                icon="log-in",
            ),
            v.SignInMethod(
                key="plex-code",
                label="Show a code instead",
                kind="code",
                path="/sign-in/plex/code",
                icon="smartphone",
                help="For a TV, or when you are signed in to Plex on your phone.",
            ),
            v.SignInMethod(
                key="local", label="Sign in with a password", kind="form", path="/sign-in/local", form=local
            ),
        )
    )


def code() -> v.CodeView:
    return v.CodeView(
        kind="code", provider="Plex", code="K7QX", link="https://plex.example/link", link_label="plex.tv/link", qr="/static/qr.svg", poll_path="/sign-in/poll", cancel_path="/sign-in", restart_path="/sign-in/plex/code", expires_at=NOW + 840,
    )  # fmt: skip


def code_expired() -> v.CodeView:
    return replace(code(), state="expired", message="Codes are valid for 15 minutes. Nothing was lost.")


def popup() -> v.CodeView:
    return replace(code(), kind="popup", code="", qr=None, link="https://app.plex.example/auth")


def pending() -> v.PendingView:
    return v.PendingView(
        name="Casey",
        title="Almost there",
        text="Plex knows you. An administrator of this portal has to let you in once.",
        asked_at=NOW - 90,
        poll_path="/sign-in/pending",
    )


STEPS = (("admin", "Administrator"), ("service", "First service"), ("options", "Sign-in"), ("done", "Done"))


def steps(current: int) -> tuple[v.WizardStep, ...]:
    return tuple(
        v.WizardStep(
            key=k,
            label=label,
            path=f"/setup/{k}",
            state="done" if i < current else "current" if i == current else "ahead",
        )
        for i, (k, label) in enumerate(STEPS)
    )


OPTIONS = (
    v.ServiceOption(
        key="plex",
        title="Plex",
        path="/admin/services/add/plex",
        text="Films, shows, sign-in and collections",
        icon="clapperboard",
    ),
    v.ServiceOption(
        key="youtube",
        title="Video downloads",
        path="/admin/services/add/youtube",
        text="Videos and playlists into the library",
        icon="video",
    ),
    v.ServiceOption(
        key="radarr",
        title="Radarr",
        path="/admin/services/add/radarr",
        text="Film queue and quality",
        icon="film",
        count=1,
    ),
)


def setup_admin() -> v.WizardView:
    form = v.Form(
        path="/setup/admin", submit="Go on",
        groups=(v.FieldGroup(fields=(v.Field(name="username", label="User name", required=True, error="Choose another name: this one is taken.", value="admin", autocomplete="username"), v.Field(name="password", label="Password", kind="password", required=True, help="At least 12 characters. A sentence is good.", autocomplete="new-password"))),),
    )  # fmt: skip
    return v.WizardView(
        steps=steps(0),
        title="Who looks after this portal?",
        text="This account can do everything. You can add Plex to it later.",
        form=form,
    )


def setup_service() -> v.WizardView:
    return v.WizardView(
        steps=steps(1),
        title="What do you have at home?",
        text="Choose the first service. More can be added at any time.",
        options=OPTIONS,
        skip_path="/setup/skip",
        back_path="/setup/admin",
    )


def setup_done() -> v.WizardView:
    return v.WizardView(
        steps=steps(3), title="That is all", text="The library is being brought in. You can watch it fill.",
        checks=(("Administrator", True, "admin"), ("Plex · Living room", True, "412 films, 96 shows so far"), ("Sign-in", False, "skipped")),
        next=(v.Action(label="Go to the portal", path="/", icon="house"), v.Action(label="Add another service", path="/admin/services")),
    )  # fmt: skip


def service_form(*, conflict: bool = False) -> v.Form:
    return v.Form(
        id="service", path="/admin/services/1", submit="Save", version=4, test_path="/admin/services/1/test", cancel_path="/admin/services",
        conflict="Robin saved other values two minutes ago." if conflict else "",
        test=v.TestResult(ok=False, text="Plex answered, but refused the token.", detail="Sign in again at Plex and paste the new token.", tested_at=NOW - 20, steps=(("Reached the server", True, "12 ms"), ("Read the account", False, "refused"))),
        groups=(
            v.FieldGroup(
                fields=(
                    v.Field(name="title", label="Name", value="Living room", required=True),
                    v.Field(name="url", label="Address", kind="url", value="http://plex.local:32400", required=True, help="As the portal reaches it.", example="http://192.168.1.10:32400", theirs="http://10.0.0.5:32400" if conflict else None, error="" if conflict else "Nobody answers at this address."),
                    v.Field(name="token", label="Token", kind="secret", is_set=True, required=True, help="Stored encrypted and never shown again."),
                    v.Field(name="libraries", label="Libraries", kind="list", values=("Movies", "TV Shows"), help="Leave empty for all."),
                    v.Field(name="sign_in", label="People may sign in with this server", kind="toggle", value="true"),
                    v.Field(name="every", label="Look for changes every", kind="duration", value="300", unit="s", advanced=True, min="60"),
                    v.Field(name="mapping", label="Folder mapping", kind="textarea", advanced=True, example="/downloads → /media/videos"),
                    v.Field(name="kinds", label="Kinds", kind="multiselect", values=("movie",), choices=(v.Choice(label="Films", value="movie"), v.Choice(label="Shows", value="show")), advanced=True),
                )
            ),
        ),
    )  # fmt: skip


def arrange() -> v.ArrangeView:
    steps = (
        v.Action(
            label="Move up: Services",
            path="/home/arrange",
            method="post",
            icon="arrow-up",
            disabled="It is first.",
        ),
        v.Action(label="Hide: Services", path="/home/arrange", method="post", icon="eye-off"),
    )
    return v.ArrangeView(
        cards=(
            v.CardRow(id="services", title="Services", icon="activity", hidden=False, actions=steps),
            v.CardRow(id="downloads", title="My downloads", icon="download", hidden=True, actions=steps),
        ),
        reset=v.Action(label="As it was at first", path="/home/arrange/reset", method="post"),
        earlier=(
            v.EarlierCards(
                title="18 October 2026, 20:15",
                notes=("Shown then: My downloads", "Order then: My downloads, Services"),
                action=v.Action(
                    label="Bring back", path="/home/arrange/earlier/7", method="post", icon="rotate-ccw"
                ),
            ),
        ),
    )
