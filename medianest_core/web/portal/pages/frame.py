"""What every page needs: who looks, the shell around it, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from medianest_core.base.crypto import CannotOpen
from medianest_core.base.logging import get_logger
from medianest_core.host.states import InstanceState
from medianest_core.sdk.permissions import Access
from medianest_core.sdk.portal import NavItem
from medianest_core.sdk.routes import Viewer as Person
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.viewer import services_of, session_of, viewer_of
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import negotiate
from medianest_core.web.portal.nav import Entry, build_nav
from medianest_core.web.portal.render import Renderer
from medianest_core.web.portal.viewer import THEME_COOKIE, Viewer, theme_of, use_viewer
from medianest_core.web.portal.views import Action, Banner, Shell, ShellUser

_log = get_logger(__name__)
LANGUAGE_COOKIE = "mn_lang"
ZONE_COOKIE = "mn_zone"
FLASH_COOKIE = "mn_flash"
_FLASH_SECONDS = 60
_LOCAL = {"localhost", "127.0.0.1", "::1"}
_DOWN = {InstanceState.RETRYING, InstanceState.NEEDS_REAUTH, InstanceState.FAILED, InstanceState.SUSPENDED}


def is_htmx(request: Request) -> bool:
    """Whether htmx asks for a part of a page rather than a browser for a whole one."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-boosted") != "true"


@dataclass(frozen=True, slots=True)
class Frame:
    """Renders pages and fragments for the person who asks."""

    renderer: Renderer

    def view(self, request: Request) -> Viewer:
        """Language, zone, theme and sub-path of this rendering."""
        session = session_of(request)
        return Viewer(
            locale=negotiate(
                session.locale if session is not None else None,
                request.cookies.get(LANGUAGE_COOKIE),
                request.headers.get("accept-language"),
            ),
            zone=(session.timezone if session is not None else None)
            or request.cookies.get(ZONE_COOKIE, "UTC")[:64],
            theme=theme_of(request.cookies.get(THEME_COOKIE)),
            root_path=request.scope.get("root_path", ""),
            path=request.url.path.removeprefix(request.scope.get("root_path", "")) or "/",
            secure=request.url.scheme == "https" or request.url.hostname in _LOCAL,
        )

    async def shell(self, request: Request, view: Viewer) -> Shell:
        """Navigation, banners and counters for this person."""
        services, person = services_of(request), viewer_of(request)
        site = services.portal_settings.now.site_name
        if person is None:
            return Shell(site_name=site, live=False)
        permissions = {*person.permissions, *({"admin"} if person.is_admin else ())}
        unread = await services.notify.unread(person.id)
        with use_viewer(view):
            return Shell(
                user=ShellUser(id=person.id, name=person.username, admin=person.is_admin),
                nav=build_nav(view.path, permissions, _entries(services, person), {"notifications": unread}),
                banners=tuple(_banners(services, person)),
                unread=unread,
                seq=request.scope["state"].get("seq"),
                insecure=person.is_admin and not view.secure,
                site_name=site,
            )

    async def page(
        self, request: Request, template: str, model: object, *, status: int = 200, **more: object
    ) -> Response:
        """A whole page. What the step before had to say is shown on it, once."""
        view = self.view(request)
        shell = replace(await self.shell(request, view), flash=_message(request))
        response = self.renderer.page(template, model, shell, view, status=status, **more)
        if FLASH_COOKIE in request.cookies:
            response.delete_cookie(FLASH_COOKIE, path="/", httponly=True, samesite="lax")
        return response

    def fragment(
        self,
        request: Request,
        template: str,
        model: object,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **more: object,
    ) -> Response:
        """A part of a page."""
        return self.renderer.fragment(
            template, model, self.view(request), status=status, headers=headers, **more
        )

    def form_status(self, request: Request, problem: object, otherwise: int = 422) -> int:
        """200 to htmx, which swaps nothing else in; else the status that tells other clients what is wrong."""
        return otherwise if problem and not is_htmx(request) else 200

    def go(self, request: Request, path: str, *, message: str = "") -> Response:
        """Lead to a portal path, with an optional message that is shown there once."""
        target = request.scope.get("root_path", "") + path
        response: Response
        if is_htmx(request):
            response = Response(status_code=204, headers={"HX-Redirect": target})
        else:
            response = RedirectResponse(target, 303)
        if message:
            # Sealed, so that nobody else can put words into the portal's mouth.
            response.set_cookie(
                FLASH_COOKIE,
                services_of(request).keyring.seal(message[:300], FLASH_COOKIE),
                max_age=_FLASH_SECONDS,
                path="/",
                httponly=True,
                samesite="lax",
            )
        return response


def _message(request: Request) -> str:
    """What the step before had to say; empty where there is nothing or it is not ours."""
    sealed = request.cookies.get(FLASH_COOKIE)
    if not sealed:
        return ""
    try:
        return services_of(request).keyring.open(sealed, FLASH_COOKIE)
    except CannotOpen:
        return ""


def _entries(services: Services, person: Person) -> list[Entry]:
    """Navigation entries of plugins that this person may see."""
    shown = []
    for plugin, item in services.host.registry.contributions(NavItem):
        policy = item.policy
        if policy.access is Access.ADMIN and not person.is_admin:
            continue
        if policy.permission and policy.permission not in person.permissions and not person.is_admin:
            continue
        shown.append(
            Entry(
                key=f"{plugin}:{item.path}",
                label=item.title,
                path=item.path,
                icon=item.icon,
                section="more",
                order=item.order,
            )
        )
    return shown


def _banners(services: Services, person: Person) -> list[Banner]:
    """One sentence for each service that is away; admins also get the way to it."""
    found = []
    for info in services.host.instances.all():
        if not info.enabled or info.state not in _DOWN:
            continue
        text = _("%(name)s is not available. We show what we knew then.") % {"name": info.title}
        action = None
        if person.is_admin:
            action = Action(label=_("Look at it"), path=f"/admin/services/{info.id}")
        found.append(
            Banner(text=text, tone="warning", since_at=info.since, action=action, id=f"down-{info.id}")
        )
    return found
