"""The portal as an installed app: its manifest, its service worker, and the page for where nothing else is at hand."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.sdk.permissions import PUBLIC
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.render import asset, assets
from medianest_core.web.portal.render import url as address
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Shell

_BACKGROUND = {"mn-light": "#f9f9fb"}
_DARK = "#0f1015"
_SHORT = 12
"""Letters of a name under an icon, before phones cut it."""


class OfflinePages:
    """Handlers of what browsers fetch by themselves. Nothing here is about a person."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        return [
            page("/manifest.webmanifest", self.manifest, policy=PUBLIC),
            page("/sw.js", self.worker, policy=PUBLIC),
            page("/offline", self.offline, policy=PUBLIC),
        ]

    async def manifest(self, request: Request) -> Response:
        """The web app manifest, in the reader's language and theme; every address has the portal's sub-path."""
        view = self._frame.view(request)
        name = services_of(request).portal_settings.now.site_name
        with use_viewer(view):
            colour = _BACKGROUND.get(view.theme, _DARK)
            told = {
                "id": address("/"),
                "name": name,
                "short_name": name if len(name) <= _SHORT else name.split()[0][:_SHORT],
                "description": _("One place for everything your home server plays."),
                "lang": view.locale,
                "start_url": address("/"),
                "scope": address("/"),
                "display": "standalone",
                "background_color": colour,
                "theme_color": colour,
                "categories": ["entertainment"],
                "icons": [
                    _picture("icon-192.png", "192x192"),
                    _picture("icon-512.png", "512x512"),
                    _picture("icon-mask-512.png", "512x512", "maskable"),
                    {"src": asset("logo.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
                ],
                "shortcuts": [
                    {"name": label, "url": address(path), "icons": [_picture("icon-192.png", "192x192")]}
                    for label, path in (
                        (_("Library"), "/library"),
                        (_("Downloads"), "/downloads"),
                        (_("Search"), "/search"),
                    )
                ],
            }
        return _tagged(request, json.dumps(told, ensure_ascii=False), "application/manifest+json")

    async def worker(self, request: Request) -> Response:
        """The service worker of this build. The same bytes for everyone, or browsers would take it for an update."""
        script = assets.text("worker.js")
        with use_viewer(self._frame.view(request)):
            files = [address(path) for path in assets.files()]
            root = address("/").rstrip("/")
            icon = asset("icon-192.png")
        stamp = json.dumps([script, files, version("medianest")])
        told = {
            "root": root,
            "icon": icon,
            "build": hashlib.sha256(stamp.encode()).hexdigest()[:16],
            "files": files,
        }
        text = f"self.portal={json.dumps(told)};\n{script}"
        return _tagged(request, text, "text/javascript")

    async def offline(self, request: Request) -> Response:
        """What the worker shows where a page is not on the device."""
        view = self._frame.view(request)
        shell = Shell(live=False, site_name=services_of(request).portal_settings.now.site_name)
        response = self._frame.renderer.page("core/offline.html", None, shell, view)
        response.headers["Content-Language"] = view.locale
        return response


def _picture(name: str, size: str, purpose: str = "any") -> dict[str, str]:
    return {"src": asset(name), "sizes": size, "type": "image/png", "purpose": purpose}


def _tagged(request: Request, text: str, media_type: str) -> Response:
    tag = f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "no-cache",
        "Vary": "Cookie, Accept-Language, Accept-Encoding",
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(text, media_type=media_type, headers=headers)
