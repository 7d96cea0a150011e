"""What every page needs: who looks, the shell around it, and the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from medianest_core.base.crypto import CannotOpen
from medianest_core.base.logging import get_logger
from medianest_core.domain.library.syncing.absences import HELD_LINK
from medianest_core.domain.status.board import Trouble
from medianest_core.sdk.permissions import Access
from medianest_core.sdk.portal import NavItem
from medianest_core.sdk.routes import Viewer as Person
from medianest_core.web.gate.services import Services
from medianest_core.web.gate.tags import unchanged
from medianest_core.web.gate.viewer import services_of, session_of, viewer_of
from medianest_core.web.portal.formats import number
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import negotiate, ngettext
from medianest_core.web.portal.nav import Entry, build_nav
from medianest_core.web.portal.render import Renderer, assets
from medianest_core.web.portal.viewer import THEME_COOKIE, Viewer, theme_of, use_viewer
from medianest_core.web.portal.views import Action, Banner, Shell, ShellUser
from medianest_core.web.portal.views.common import Tone

_log = get_logger(__name__)
LANGUAGE_COOKIE = "mn_lang"
ZONE_COOKIE = "mn_zone"
FLASH_COOKIE = "mn_flash"
KEEP_HEADER = "Portal-Keep"
_FLASH_SECONDS = 60
_VERSION = version("medianest")
# What people look up, and nothing where something is entered, decided or administered.
_KEPT = re.compile(
    r"/|/(?:library|collections|downloads|notifications|status|calendar|requests)(?:/[^?]*)?|/title/\d+|/fragments/(?:card|shelf)/.+"
)
_LOCAL = {"localhost", "127.0.0.1", "::1"}


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
        asked = person.is_admin and (view.path == "/library" or view.path.startswith("/admin/sync"))
        held = await services.library.absences.waiting() if asked else 0
        with use_viewer(view):
            return Shell(
                user=ShellUser(id=person.id, name=person.username, admin=person.is_admin),
                nav=build_nav(view.path, permissions, _entries(services, person), {"notifications": unread}),
                banners=(*_held_banner(held), *_banners(services, person)),
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
        _keep(response, view, shell)
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
        view = self.view(request)
        response = self.renderer.fragment(template, model, view, status=status, headers=headers, **more)
        _keep(response, view)
        return response

    async def unchanged(self, request: Request, *made_from: object) -> Response | None:
        """304 where the browser holds a page made of the same, before it is made again.

        made_from: versions of what the page shows beside its frame, read before it is made.
        """
        if FLASH_COOKIE in request.cookies:
            return None
        services, person, view = services_of(request), viewer_of(request), self.view(request)
        if person is None:
            return None
        looks = (view.locale, view.zone, view.theme, view.root_path, view.secure, is_htmx(request))
        shell = (
            person.username,
            person.is_admin,
            sorted(person.permissions),
            services.portal_settings.now.site_name,
            await services.notify.unread(person.id),
            services.host.instances.all(),
            services.status.board.stamp,
            [(info.name, info.version, info.state) for info in services.host.registry.plugins()],
        )
        # Words such as "yesterday" and "since 10:02" grow old by themselves.
        hour = int(view.now() // 3600)
        return unchanged(request, _VERSION, assets.stamp(), hour, looks, shell, made_from)

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


def _keep(response: Response, view: Viewer, shell: Shell | None = None) -> None:
    """Say whether the browser may show this when the portal is away; what is said once is not for keeping at all."""
    if shell is not None and shell.flash:
        response.headers["Cache-Control"] = "no-store"
    elif response.status_code == 200 and _KEPT.fullmatch(view.path):
        response.headers[KEEP_HEADER] = "1"


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
                label=_(item.title),
                path=item.path,
                icon=item.icon,
                section="more",
                order=item.order,
            )
        )
    return shown


def _held_banner(count: int) -> tuple[Banner, ...]:
    """For admins, where they look at the library: titles that are gone at once stay until one of them decides."""
    if not count:
        return ()
    words = ngettext(
        "%(count)s title is gone at its server all at once. It stays until you decide.",
        "%(count)s titles are gone at their server all at once. They stay until you decide.",
        count,
    )
    action = Action(label=_("Decide"), path=HELD_LINK)
    return (Banner(text=words % {"count": number(count)}, tone="warning", action=action, id="library-held"),)


def _banners(services: Services, person: Person) -> list[Banner]:
    """One sentence for each service that is away; admins also get the way to it."""
    found = []
    if services.host.safe_mode:
        found.append(_safe_mode_banner(person))
    if services.live.degraded:
        found.append(
            Banner(
                text=_("Live updates are degraded: some changes show a moment later. This passes by itself."),
                id="live-degraded",
            )
        )
    return found + [_trouble_banner(one, person) for one in services.status.trouble(person)]


def _safe_mode_banner(person: Person) -> Banner:
    """It has no name of its own by which it could be dismissed: half the portal is missing as long as it stands."""
    if not person.is_admin:
        return Banner(text=_("Parts of the portal are switched off for the moment."), tone="warning")
    return Banner(
        text=_("Safe mode: only what is built in runs. Everything that plugins bring is switched off."),
        tone="warning",
        action=Action(label=_("Look at it"), path="/admin/plugins"),
    )


def _trouble_banner(trouble: Trouble, person: Person) -> Banner:
    if trouble.kind == "announcement":
        action = Action(label=_("Read it"), path=f"/status#incident-{trouble.id}")
        tones: dict[str, Tone] = {"success": "success", "warning": "warning", "error": "error"}
        return Banner(
            text=trouble.title,
            tone=tones.get(trouble.tone, "info"),
            action=action,
            id=f"announced-{trouble.id}",
        )
    own = trouble.kind == "service"
    words = _("%(name)s is not available. We show what we knew then.") if own else _("%(name)s is down.")
    path = f"/admin/services/{trouble.id}" if own else f"/status/{trouble.id}"
    return Banner(
        text=words % {"name": trouble.title},
        tone="warning",
        since_at=trouble.since_at,
        action=Action(label=_("Look at it"), path=path) if person.is_admin or not own else None,
        id=f"down-{trouble.id}",
    )
