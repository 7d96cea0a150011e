"""Admin → users: approve, suspend, change roles, and see how people sign in."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.models import ApiKeyInfo, DeviceInfo, IdentityInfo, Status, User
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.permissions import ADMIN
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.conflict import (
    conflict_page,
    last_change,
    version_field,
    version_sent,
)
from medianest_core.web.portal.pages.frame import Frame, is_htmx
from medianest_core.web.portal.pages.shown import Rows, read_rows, shown
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import (
    NORMAL,
    Action,
    ApiKey,
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

AT_ONCE = 50
_VERB = {Status.ACTIVE: "/approve", Status.SUSPENDED: "/suspend"}
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


def api_key(one: ApiKeyInfo, remove_path: str, now: float) -> ApiKey:
    """A key as a row; now: epoch seconds."""
    ended = one.expires_at is not None and one.expires_at <= now
    return ApiKey(
        label=one.name,
        prefix=one.prefix,
        created_at=one.created_at,
        last_used_at=one.last_used_at,
        expires_at=one.expires_at,
        ended=Badge(text=_("Ended"), tone="warning") if ended else None,
        scopes=tuple(one.scopes),
        remove=Action(
            label=_("Remove"),
            path=remove_path,
            method="post",
            icon="trash-2",
            confirm=_("Programs that use this key stop working."),
        ),
    )


def user_row(user: User) -> UserRow:
    base, seen = f"/admin/users/{user.id}", version_field(user.version)
    actions: tuple[Action, ...] = ()
    if user.status is Status.PENDING:
        approve = Action(
            label=_("Approve"),
            path=f"{base}/approve",
            method="post",
            icon="check",
            tone="primary",
            values=seen,
        )
        refuse = Action(label=_("Refuse"), path=f"{base}/suspend", method="post", icon="x", values=seen)
        actions = (approve, refuse)
    elif user.status is Status.SUSPENDED:
        again = Action(
            label=_("Let in again"), path=f"{base}/approve", method="post", icon="check", values=seen
        )
        actions = (again,)
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
            page(base + "/{id}/keys/{key}/remove", self.remove_key, methods=("POST",), policy=ADMIN),
        ]

    async def list(self, request: Request) -> Response:
        users = services_of(request).accounts.users
        text, tab = request.query_params.get("q", ""), request.query_params.get("tab", "all")
        status = Status(tab) if tab in {one.value for one in Status} else None
        cursor, again, total = request.query_params.get("cursor"), shown(request), 0

        async def read(cursor: str | None, limit: int) -> Rows[User]:
            nonlocal total
            some = await users.list(text=text, status=status, cursor=cursor, limit=limit)
            total = some.total
            return Rows(some.users, some.next_cursor)

        found, further = await read_rows(read, cursor, max(AT_ONCE, again or 0))
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
            if not found:
                state = TileState(
                    kind="empty", title=_("Nobody found"), text=_("Try another name."), icon="users"
                )
            following = None
            here = "/admin/users?" + urlencode({"tab": tab, **({"q": text} if text else {})})
            if further:
                path = f"{here}&cursor={quote(further)}"
                following = Sentinel(next_path=path, page_path=path)
            view = UsersView(
                path=here,
                users=tuple(user_row(user) for user in found if user.id not in waiting),
                total=total,
                pending=tuple(user_row(user) for user in pending),
                tabs=tuple(
                    Choice(label=label, value=key, path=f"/admin/users?tab={key}", current=key == tab)
                    for key, label in labels.items()
                ),
                query=text,
                add=Action(label=_("Import people"), path="/admin/users/import", icon="user-plus")
                if services_of(request).requests.people.sources()
                else None,
                next=following,
                state=state,
            )
        if is_htmx(request) and cursor:
            return self._frame.fragment(request, "core/fragments/user_rows.html", view)
        if again is not None:
            return self._frame.fragment(request, "core/fragments/users.html", view)
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
                error, status = _(str(refused)), self._frame.form_status(request, refused)
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
        keys = await accounts.api_keys.of_user(user.id)
        now = services_of(request).clock.now()
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
                keys=tuple(api_key(one, f"/admin/users/{user.id}/keys/{one.id}/remove", now) for one in keys),
                danger=() if user.id == person.id else (_remove(user),),
            )
        return await self._frame.page(request, "core/admin/user.html", view, status=status)

    async def approve(self, request: Request) -> Response:
        return await self._set(request, Status.ACTIVE, _("They can come in now."))

    async def suspend(self, request: Request) -> Response:
        return await self._set(request, Status.SUSPENDED, _("They are signed out and stay out."))

    async def _set(self, request: Request, status: Status, message: str) -> Response:
        services, user_id = services_of(request), request.path_params["id"]
        users = services.accounts.users
        user = await users.get(user_id)
        if user.status is status:
            # Another admin did the same a moment ago: no conflict, only news.
            change = await last_change(services, user_id, "user.")
            told = f" {change.told()}" if change is not None else ""
            already = (
                _("They are in already.") if status is Status.ACTIVE else _("They are suspended already.")
            )
            return self._frame.go(request, "/admin/users", message=f"{already}{told}")
        try:
            await users.set_status(
                user_id, status, await version_sent(request, user.version), someone(request).id
            )
        except Stale:
            offered = [
                one for one in (*user_row(user).actions, _suspend(user)) if one.path.endswith(_VERB[status])
            ]
            return await self._conflict(request, user, offered[0])
        return self._frame.go(request, "/admin/users", message=message)

    async def remove(self, request: Request) -> Response:
        users = services_of(request).accounts.users
        user = await users.get(request.path_params["id"])
        try:
            await users.remove(user.id, await version_sent(request, user.version), someone(request).id)
        except Stale:
            return await self._conflict(request, user, _remove(user))
        return self._frame.go(request, "/admin/users", message=_("Removed."))

    async def _conflict(self, request: Request, user: User, again: Action) -> Response:
        return await conflict_page(
            self._frame,
            request,
            title=user.name,
            change=await last_change(services_of(request), user.id, "user."),
            wanted=again.label,
            present=(
                Fact(label=_("Status"), value=status_badge(user.status).text),
                Fact(label=_("Role"), value=role_badge(user.role).text),
                Fact(label=_("Name"), value=user.name),
                *((Fact(label=_("E-mail"), value=user.email),) if user.email else ()),
            ),
            again=again,
            version=user.version,
            back=f"/admin/users/{user.id}",
        )

    async def end_session(self, request: Request) -> Response:
        user_id = request.path_params["id"]
        await services_of(request).accounts.end_session(
            user_id, request.path_params["session"], someone(request).id
        )
        return self._frame.go(request, f"/admin/users/{user_id}", message=_("Signed out."))

    async def remove_key(self, request: Request) -> Response:
        user_id = request.path_params["id"]
        await services_of(request).accounts.api_keys.remove(
            user_id, request.path_params["key"], someone(request).id
        )
        return self._frame.go(request, f"/admin/users/{user_id}", message=_("Removed."))


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
    return (_suspend(user),)


def _suspend(user: User) -> Action:
    return Action(
        label=_("Suspend"),
        path=f"/admin/users/{user.id}/suspend",
        method="post",
        icon="ban",
        confirm=_("Sign them out and keep them out?"),
        values=version_field(user.version),
    )


def _remove(user: User) -> Action:
    return Action(
        label=_("Delete account"),
        path=f"/admin/users/{user.id}/remove",
        method="post",
        icon="trash-2",
        tone="error",
        confirm=_("This deletes the account with its downloads list and notifications."),
        confirm_word=user.username,
        values=version_field(user.version),
    )
