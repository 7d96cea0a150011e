"""Admin → users: approve, suspend, change roles, and see how people sign in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.accounts.models import DeviceInfo, IdentityInfo, Status, User
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import (
    NORMAL,
    Action,
    Badge,
    Choice,
    Device,
    Fact,
    Field,
    FieldGroup,
    Form,
    Identity,
    Sentinel,
    TileState,
    UserRow,
    UsersView,
    UserView,
)
from medianest_core.web.portal.views.common import Tone

_TONES: dict[Status, Tone] = {Status.ACTIVE: "success", Status.PENDING: "warning", Status.SUSPENDED: "error"}


def status_badge(status: Status) -> Badge:
    text = {Status.ACTIVE: _("Active"), Status.PENDING: _("Waiting"), Status.SUSPENDED: _("Suspended")}[
        status
    ]
    return Badge(text=text, tone=_TONES[status])


def role_badge(role: str) -> Badge:
    return (
        Badge(text=_("Admin"), tone="primary", icon="shield") if role == "admin" else Badge(text=_("Member"))
    )


def device(one: DeviceInfo, current: str | None, end_path: str | None) -> Device:
    """A session as people know it: what and where."""
    agent = one.user_agent.lower()
    phone = any(word in agent for word in ("iphone", "android", "mobile"))
    browser = next((name for key, name in _BROWSERS if key in agent), _("Browser"))
    system = next((name for key, name in _SYSTEMS if key in agent), "")
    return Device(
        label=f"{browser} · {system}" if system else browser,
        last_seen_at=one.last_seen_at,
        started_at=one.created_at,
        place=one.ip,
        current=one.id == current,
        icon="smartphone" if phone else "monitor",
        end=Action(label=_("Sign out"), path=end_path, method="post", icon="log-out") if end_path else None,
    )


_BROWSERS = (("edg/", "Edge"), ("firefox", "Firefox"), ("chrome", "Chrome"), ("safari", "Safari"))
_SYSTEMS = (
    ("android", "Android"),
    ("iphone", "iPhone"),
    ("ipad", "iPad"),
    ("windows", "Windows"),
    ("mac os", "macOS"),
    ("linux", "Linux"),
)


def user_row(user: User) -> UserRow:
    base = f"/admin/users/{user.id}"
    actions: tuple[Action, ...] = ()
    if user.status is Status.PENDING:
        actions = (
            Action(label=_("Approve"), path=f"{base}/approve", method="post", icon="check", tone="primary"),
            Action(label=_("Refuse"), path=f"{base}/suspend", method="post", icon="x"),
        )
    elif user.status is Status.SUSPENDED:
        actions = (Action(label=_("Let in again"), path=f"{base}/approve", method="post", icon="check"),)
    return UserRow(
        id=user.id,
        name=user.name,
        path=base,
        role=role_badge(user.role),
        status=status_badge(user.status),
        email=user.email or "",
        last_seen_at=user.last_login_at,
        asked_at=user.created_at if user.status is Status.PENDING else None,
        actions=actions,
    )


async def names_of(services: Services, user_ids: Iterable[str | None]) -> dict[str, str]:
    """Names to show for accounts; those that are gone are left out."""
    found = {}
    for user_id in {one for one in user_ids if one}:
        try:
            found[user_id] = (await services.accounts.users.get(user_id)).name
        except Missing:
            continue
    return found


class UserPages:
    """Handlers of admin → users."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        base = "/admin/users"
        return [
            page(base, self.list, policy=ADMIN),
            page(base + "/{id}", self.detail, methods=("GET", "POST"), policy=ADMIN),
            page(base + "/{id}/approve", self.approve, methods=("POST",), policy=ADMIN),
            page(base + "/{id}/suspend", self.suspend, methods=("POST",), policy=ADMIN),
            page(base + "/{id}/remove", self.remove, methods=("POST",), policy=ADMIN),
            page(base + "/{id}/sessions/{session}/end", self.end_session, methods=("POST",), policy=ADMIN),
        ]

    async def list(self, request: Request) -> Response:
        users = services_of(request).accounts.users
        text, tab = request.query_params.get("q", ""), request.query_params.get("tab", "all")
        status = Status(tab) if tab in {one.value for one in Status} else None
        found = await users.list(
            text=text, status=status, cursor=request.query_params.get("cursor"), limit=50
        )
        pending = () if status or text else (await users.list(status=Status.PENDING, limit=50)).users
        waiting = {user.id for user in pending}
        with use_viewer(self._frame.view(request)):
            labels = {
                "all": _("Everyone"),
                Status.PENDING.value: _("Waiting"),
                Status.ACTIVE.value: _("Active"),
                Status.SUSPENDED.value: _("Suspended"),
            }
            state = NORMAL
            if not found.users:
                state = TileState(
                    kind="empty", title=_("Nobody found"), text=_("Try another name."), icon="users"
                )
            following = None
            if found.next_cursor:
                path = f"/admin/users?tab={tab}&cursor={found.next_cursor}"
                following = Sentinel(next_path=path, page_path=path)
            view = UsersView(
                users=tuple(user_row(user) for user in found.users if user.id not in waiting),
                total=found.total,
                pending=tuple(user_row(user) for user in pending),
                tabs=tuple(
                    Choice(label=label, value=key, path=f"/admin/users?tab={key}", current=key == tab)
                    for key, label in labels.items()
                ),
                query=text,
                next=following,
                state=state,
            )
        return await self._frame.page(request, "core/admin/users.html", view)

    async def detail(self, request: Request) -> Response:
        accounts, person = services_of(request).accounts, someone(request)
        user = await accounts.users.get(request.path_params["id"])
        role, version, error, theirs, status = user.role, user.version, "", None, 200
        if request.method == "POST":
            form = await request.form()
            role = str(form.get("role", user.role))
            sent = whole(form.get("version"))
            try:
                await accounts.users.set_role(
                    user.id, role, user.version if sent is None else sent, person.id
                )
            except UserError as refused:
                error, status = str(refused), self._frame.form_status(request, refused)
            except Stale as stale:
                theirs, version = (
                    str(stale.current.get("role", "")),
                    int(stale.current.get("version", version)),
                )
                status = self._frame.form_status(request, stale, 409)
            else:
                return self._frame.go(request, f"/admin/users/{user.id}", message=_("Saved."))
        identities = await accounts.identities.of_user(user.id)
        devices = await accounts.sessions.of_user(user.id)
        with use_viewer(self._frame.view(request)):
            view = UserView(
                user=replace(user_row(user), actions=_actions(user, person.id)),
                form=_role_form(user, role, version, error, theirs),
                facts=(
                    Fact(label=_("Member since"), value=user.created_at, kind="datetime"),
                    *(
                        (Fact(label=_("Last sign-in"), value=user.last_login_at, kind="age"),)
                        if user.last_login_at
                        else ()
                    ),
                ),
                identities=tuple(identity(one) for one in identities),
                devices=tuple(
                    device(one, None, f"/admin/users/{user.id}/sessions/{one.id}/end") for one in devices
                ),
                danger=() if user.id == person.id else _danger(user),
            )
        return await self._frame.page(request, "core/admin/user.html", view, status=status)

    async def approve(self, request: Request) -> Response:
        return await self._set(request, Status.ACTIVE, _("They can come in now."))

    async def suspend(self, request: Request) -> Response:
        return await self._set(request, Status.SUSPENDED, _("They are signed out and stay out."))

    async def _set(self, request: Request, status: Status, message: str) -> Response:
        users = services_of(request).accounts.users
        await users.set_status(request.path_params["id"], status, None, someone(request).id)
        return self._frame.go(request, "/admin/users", message=message)

    async def remove(self, request: Request) -> Response:
        users = services_of(request).accounts.users
        await users.remove(request.path_params["id"], None, someone(request).id)
        return self._frame.go(request, "/admin/users", message=_("Removed."))

    async def end_session(self, request: Request) -> Response:
        user_id = request.path_params["id"]
        await services_of(request).accounts.end_session(
            user_id, request.path_params["session"], someone(request).id
        )
        return self._frame.go(request, f"/admin/users/{user_id}", message=_("Signed out."))


def identity(one: IdentityInfo, remove_path: str | None = None) -> Identity:
    return Identity(
        provider=one.provider.capitalize(),
        name=one.username or one.subject,
        linked_at=one.created_at,
        remove=Action(
            label=_("Remove"),
            path=remove_path,
            method="post",
            icon="unlink",
            confirm=_("Remove this way of signing in?"),
        )
        if remove_path
        else None,
    )


def _role_form(user: User, role: str, version: int, error: str, theirs: str | None) -> Form:
    choices = (
        Choice(label=_("Member"), value="user", current=role == "user"),
        Choice(label=_("Admin"), value="admin", current=role == "admin"),
    )
    return Form(
        path=f"/admin/users/{user.id}",
        groups=(
            FieldGroup(
                fields=(
                    Field(
                        name="role",
                        label=_("Role"),
                        kind="select",
                        help=_("Admins see everything and change settings. A change signs the person out."),
                        value=role,
                        choices=choices,
                        error=error,
                        theirs=theirs,
                    ),
                )
            ),
        ),
        submit=_("Save"),
        version=version,
        conflict=_("Someone else changed this in the meantime.") if theirs is not None else "",
    )


def _actions(user: User, viewer_id: str) -> tuple[Action, ...]:
    if user.status is not Status.ACTIVE or user.id == viewer_id:
        return user_row(user).actions
    return (
        Action(
            label=_("Suspend"),
            path=f"/admin/users/{user.id}/suspend",
            method="post",
            icon="ban",
            confirm=_("Sign them out and keep them out?"),
        ),
    )


def _danger(user: User) -> tuple[Action, ...]:
    remove = Action(
        label=_("Delete account"),
        path=f"/admin/users/{user.id}/remove",
        method="post",
        icon="trash-2",
        tone="error",
        confirm=_("This deletes the account with its downloads list and notifications."),
        confirm_word=user.username,
    )
    return (remove,)
