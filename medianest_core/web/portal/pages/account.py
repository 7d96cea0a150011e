"""The account page: preferences, ways to sign in, password, devices and API keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import NotAllowed, TooManyAttempts
from medianest_core.domain.accounts.models import LOCAL, User
from medianest_core.sdk.auth import AuthFlow
from medianest_core.sdk.errors import ProviderError, UserError
from medianest_core.sdk.permissions import USER
from medianest_core.store.errors import Stale
from medianest_core.web.gate import cookies
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import browser_of, services_of, session_of, someone
from medianest_core.web.portal.i18n import LANGUAGES
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.pages.users import api_key, device, identity, role_badge
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import AccountView, Action, Choice, Field, FieldGroup, Form

_PREFERENCES = ("display_name", "email", "locale", "timezone")


class AccountPages:
    """Handlers of the account page."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page("/account", self.show, policy=USER),
            page("/account/preferences", self.preferences, methods=("POST",), policy=USER),
            page("/account/password", self.password, methods=("POST",), policy=USER),
            page("/account/sessions/others/end", self.end_others, methods=("POST",), policy=USER),
            page("/account/sessions/{id}/end", self.end_session, methods=("POST",), policy=USER),
            page("/account/identities/add/{method}", self.add_identity, methods=("POST",), policy=USER),
            page("/account/identities/{id}/remove", self.remove_identity, methods=("POST",), policy=USER),
            page("/account/keys", self.add_key, methods=("POST",), policy=USER),
            page("/account/keys/{id}/remove", self.remove_key, methods=("POST",), policy=USER),
        ]

    async def show(self, request: Request) -> Response:
        return await self._show(request)

    async def _show(
        self,
        request: Request,
        *,
        typed: dict[str, str] | None = None,
        errors: dict[str, str] | None = None,
        theirs: dict[str, Any] | None = None,
        password_errors: dict[str, str] | None = None,
        new_key: str = "",
        key_typed: Mapping[str, Any] | None = None,
        key_errors: dict[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        accounts, person = services_of(request).accounts, someone(request)
        user = await accounts.users.get(person.id)
        session = session_of(request)
        identities = await accounts.identities.of_user(user.id)
        devices = await accounts.sessions.of_user(user.id)
        keys = await accounts.api_keys.of_user(user.id)
        now = services_of(request).clock.now()
        linked = {(one.provider, one.instance_id) for one in identities}
        methods = [
            method
            for method in await accounts.sign_in.methods()
            if method.flow in (AuthFlow.CODE, AuthFlow.REDIRECT)
            and (method.provider, method.instance_id) not in linked
        ]
        with use_viewer(self._frame.view(request)):
            view = AccountView(
                name=user.name,
                email=user.email or "",
                role=role_badge(user.role),
                member_since_at=user.created_at,
                preferences=_preferences(user, typed or {}, errors or {}, theirs),
                themes=(
                    Choice(label=_("Dark"), value="mn-dark"),
                    Choice(label=_("Light"), value="mn-light"),
                    Choice(label=_("As the device"), value="auto"),
                ),
                identities=tuple(
                    identity(one, f"/account/identities/{one.id}/remove" if len(identities) > 1 else None)
                    for one in identities
                ),
                add_identity=tuple(
                    Action(
                        label=_("Add %(name)s") % {"name": method.title},
                        path=f"/account/identities/add/{method.key}",
                        method="post",
                        icon="link",
                    )
                    for method in methods
                ),
                password=_password(
                    any(one.provider == LOCAL for one in identities), user, password_errors or {}
                ),
                devices=tuple(
                    device(
                        one,
                        session.id if session else None,
                        None if session and one.id == session.id else f"/account/sessions/{one.id}/end",
                    )
                    for one in devices
                ),
                end_others=Action(
                    label=_("Sign out everywhere else"),
                    path="/account/sessions/others/end",
                    method="post",
                    icon="log-out",
                )
                if len(devices) > 1
                else None,
                keys=tuple(api_key(key, f"/account/keys/{key.id}/remove", now) for key in keys),
                key_form=_key_form(key_typed or {}, key_errors or {}, admin=person.is_admin),
                new_key=new_key,
            )
        return await self._frame.page(request, "core/account.html", view, status=status)

    async def preferences(self, request: Request) -> Response:
        form, person = await request.form(), someone(request)
        typed = {name: str(form.get(name, "")) for name in _PREFERENCES}
        try:
            await services_of(request).accounts.users.edit(
                person.id, typed, whole(form.get("version")), person.id
            )
        except UserError as error:
            errors = {error.field or "display_name": _(str(error))}
            return await self._show(
                request, typed=typed, errors=errors, status=self._frame.form_status(request, errors)
            )
        except Stale as stale:
            return await self._show(
                request,
                typed=typed,
                theirs=dict(stale.current),
                status=self._frame.form_status(request, stale, 409),
            )
        return self._frame.go(request, "/account", message=_("Saved."))

    async def password(self, request: Request) -> Response:
        form, person, session = await request.form(), someone(request), session_of(request)
        try:
            if str(form.get("password", "")) != str(form.get("again", "")):
                raise UserError(_("The two passwords differ."), "again")
            await services_of(request).accounts.sign_in.set_password(
                person.id,
                str(form.get("username") or person.username),
                str(form.get("password", "")),
                current=str(form.get("current", "")) or None,
                keep_session=session.id if session else None,
            )
        except (UserError, TooManyAttempts) as error:
            field = error.field if isinstance(error, UserError) and error.field else "password"
            errors = {field: _(str(error))}
            return await self._show(
                request, password_errors=errors, status=self._frame.form_status(request, errors)
            )
        return self._frame.go(request, "/account", message=_("Your password has changed."))

    async def end_session(self, request: Request) -> Response:
        await services_of(request).accounts.end_session(someone(request).id, request.path_params["id"])
        return self._frame.go(request, "/account", message=_("Signed out."))

    async def end_others(self, request: Request) -> Response:
        session = session_of(request)
        await services_of(request).accounts.sign_out_others(
            someone(request).id, session.id if session else None
        )
        return self._frame.go(request, "/account", message=_("Signed out everywhere else."))

    async def add_identity(self, request: Request) -> Response:
        try:
            _attempt, cookie = await services_of(request).accounts.sign_in.begin(
                request.path_params["method"],
                return_url=f"{request.base_url}".rstrip("/") + "/sign-in/return",
                link_user_id=someone(request).id,
                ip=browser_of(request).ip,
                replaces=request.cookies.get(cookies.ATTEMPT),
            )
        except ProviderError as error:
            return self._frame.go(request, "/account", message=_(str(error)))
        response = self._frame.go(request, "/sign-in/code")
        cookies.set_attempt(response, request, cookie)
        return response

    async def remove_identity(self, request: Request) -> Response:
        try:
            await services_of(request).accounts.identities.unlink(
                someone(request).id, request.path_params["id"]
            )
        except NotAllowed as error:
            return self._frame.go(request, "/account", message=_(str(error)))
        return self._frame.go(request, "/account", message=_("Removed."))

    async def add_key(self, request: Request) -> Response:
        form, person, services = await request.form(), someone(request), services_of(request)
        name, lasts = str(form.get("name", "")), str(form.get("lasts", ""))
        scopes = [str(scope) for scope in form.getlist("scopes")]
        days = _LASTS.get(lasts)
        try:
            _key, secret = await services.accounts.api_keys.create(
                person.id,
                person.role,
                name,
                scopes,
                expires_at=services.clock.now() + days * 86400 if days else None,
            )
        except (UserError, NotAllowed) as error:
            field = error.field if isinstance(error, UserError) and error.field else "name"
            errors = {field: _(str(error))}
            return await self._show(
                request,
                key_typed={"name": name, "scopes": scopes, "lasts": lasts},
                key_errors=errors,
                status=self._frame.form_status(request, errors),
            )
        return await self._show(request, new_key=secret)

    async def remove_key(self, request: Request) -> Response:
        await services_of(request).accounts.api_keys.remove(someone(request).id, request.path_params["id"])
        return self._frame.go(request, "/account", message=_("Removed."))


def _preferences(
    user: User, typed: dict[str, str], errors: dict[str, str], theirs: dict[str, Any] | None
) -> Form:
    def value(name: str) -> str:
        return typed.get(name, str(getattr(user, name) or ""))

    def other(name: str) -> str | None:
        if theirs is None:
            return None
        stored = str(theirs.get(name) or "")
        return stored if stored != value(name) else None

    languages = (
        Choice(label=_("As the browser says"), value="", current=not value("locale")),
        *tuple(
            Choice(label=name, value=code, current=value("locale") == code)
            for code, name in LANGUAGES.items()
        ),
    )
    zones = (
        Choice(label=_("As the portal"), value="", current=not value("timezone")),
        *tuple(
            Choice(label=zone.replace("_", " "), value=zone, current=value("timezone") == zone)
            for zone in _zones()
        ),
    )
    version = int(theirs["version"]) if theirs and "version" in theirs else user.version
    return Form(
        path="/account/preferences",
        id="preferences",
        groups=(
            FieldGroup(
                fields=(
                    Field(
                        name="display_name",
                        label=_("Display name"),
                        value=value("display_name"),
                        error=errors.get("display_name", ""),
                        theirs=other("display_name"),
                        autocomplete="name",
                    ),
                    Field(
                        name="email",
                        label=_("E-mail"),
                        kind="email",
                        value=value("email"),
                        error=errors.get("email", ""),
                        theirs=other("email"),
                        autocomplete="email",
                    ),
                    Field(
                        name="locale",
                        label=_("Language"),
                        kind="select",
                        value=value("locale"),
                        choices=languages,
                        error=errors.get("locale", ""),
                        theirs=other("locale"),
                    ),
                    Field(
                        name="timezone",
                        label=_("Time zone"),
                        kind="select",
                        value=value("timezone"),
                        choices=zones,
                        error=errors.get("timezone", ""),
                        theirs=other("timezone"),
                    ),
                )
            ),
        ),
        submit=_("Save"),
        version=version,
        conflict=_("This was changed elsewhere in the meantime.") if theirs is not None else "",
    )


def _zones() -> list[str]:
    return sorted(
        zone
        for zone in available_timezones()
        if "/" in zone and not zone.startswith(("Etc/", "posix", "right"))
    )


def _password(has_one: bool, user: User, errors: dict[str, str]) -> Form:
    first = (
        Field(
            name="current",
            label=_("Present password"),
            kind="password",
            required=True,
            autocomplete="current-password",
            error=errors.get("current", ""),
        )
        if has_one
        else Field(
            name="username",
            label=_("User name"),
            value=user.username,
            required=True,
            autocomplete="username",
            error=errors.get("username", ""),
        )
    )
    return Form(
        path="/account/password",
        id="password",
        groups=(
            FieldGroup(
                fields=(
                    first,
                    Field(
                        name="password",
                        label=_("New password"),
                        kind="password",
                        required=True,
                        autocomplete="new-password",
                        error=errors.get("password", ""),
                    ),
                    Field(
                        name="again",
                        label=_("New password once more"),
                        kind="password",
                        required=True,
                        autocomplete="new-password",
                        error=errors.get("again", ""),
                    ),
                )
            ),
        ),
        submit=_("Change the password") if has_one else _("Set a password"),
    )


_LASTS = {"month": 30, "quarter": 90, "year": 365, "": 0}
"""Days that a new key may last; 0: until it is removed."""


def _key_form(typed: Mapping[str, Any], errors: dict[str, str], *, admin: bool) -> Form:
    lasts = str(typed.get("lasts", "year"))
    labels = {
        "month": _("30 days"),
        "quarter": _("90 days"),
        "year": _("A year"),
        "": _("Until it is removed"),
    }
    return Form(
        path="/account/keys",
        id="key",
        groups=(
            FieldGroup(
                fields=(
                    Field(
                        name="name",
                        label=_("Name of the new key"),
                        required=True,
                        example="Home Assistant",
                        value=str(typed.get("name", "")),
                        error=errors.get("name", ""),
                    ),
                    Field(
                        name="scopes",
                        label=_("It may"),
                        kind="multiselect",
                        values=tuple(typed.get("scopes", ("read",))),
                        choices=(
                            Choice(label=_("Read"), value="read"),
                            Choice(label=_("Change things"), value="write"),
                            *((Choice(label=_("All that admins may"), value="admin"),) if admin else ()),
                        ),
                        error=errors.get("scopes", ""),
                    ),
                    Field(
                        name="lasts",
                        label=_("It lasts"),
                        kind="select",
                        value=lasts,
                        choices=tuple(
                            Choice(label=label, value=key, current=key == lasts)
                            for key, label in labels.items()
                        ),
                        error=errors.get("expires_at", ""),
                    ),
                )
            ),
        ),
        submit=_("Make a key"),
    )
