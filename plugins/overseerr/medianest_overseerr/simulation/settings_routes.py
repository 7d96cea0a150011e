"""What it is, the Radarr and Sonarr behind it, and the settings of its webhook."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from medianest_core.testing.simulators import json_reply
from medianest_overseerr.simulation.api import Call, Endpoint
from medianest_overseerr.simulation.constants import Permission
from medianest_overseerr.simulation.errors import Refusal
from medianest_overseerr.simulation.webhooks import Agent
from medianest_overseerr.simulation.world import VERSIONS, World

_ADMIN = (Permission.ADMIN,)
_HOOK = {"enabled": "bool", "types": "int", "options": "object"}
_PROFILES = ({"id": 4, "name": "HD-1080p"}, {"id": 6, "name": "HD - 720p/1080p"})
_PROFILES_4K = ({"id": 5, "name": "Ultra-HD"},)


class SettingsRoutes:
    def __init__(self, world: World) -> None:
        self.world = world

    def endpoints(self) -> list[Endpoint]:
        hook = "/settings/notifications/webhook"
        return [
            Endpoint("GET", "/status", self.status, open=True),
            Endpoint("GET", "/settings/public", self.public, open=True),
            Endpoint("GET", hook, self.webhook, needs=_ADMIN),
            Endpoint("POST", hook, self.save_webhook, body=_HOOK, needs=_ADMIN),
            Endpoint("POST", f"{hook}/test", self.test_webhook, body=_HOOK, needs=_ADMIN),
            Endpoint("GET", "/service/radarr", lambda call: self.services("radarr")),
            Endpoint("GET", "/service/sonarr", lambda call: self.services("sonarr")),
            Endpoint("GET", "/service/radarr/{id}", lambda call: self.service("radarr", call)),
            Endpoint("GET", "/service/sonarr/{id}", lambda call: self.service("sonarr", call)),
        ]

    def status(self, call: Call) -> Response:
        return json_reply(
            {
                "version": VERSIONS[self.world.options.profile],
                "commitTag": "local",
                "updateAvailable": False,
                "commitsBehind": 0,
                "restartRequired": self.world.restart_required,
            }
        )

    def public(self, call: Call) -> Response:
        shown: dict[str, Any] = {
            "initialized": True,
            "applicationTitle": self.world.options.profile.capitalize(),
            "applicationUrl": "",
            "hideAvailable": False,
            "localLogin": True,
            "movie4kEnabled": self.world.options.servers,
            "series4kEnabled": False,
            "originalLanguage": "",
            "partialRequestsEnabled": True,
            "cacheImages": False,
            "vapidPublic": "",
            "enablePushRegistration": False,
            "locale": "en",
            "emailEnabled": False,
            "newPlexLogin": True,
        }
        if self.world.options.seerr:
            shown |= {
                "mediaServerType": 1,
                "mediaServerLogin": True,
                "enableSpecialEpisodes": False,
                "hideBlocklisted": False,
                "discoverRegion": "",
                "streamingRegion": "",
            }
        else:
            shown["region"] = ""
        return json_reply(shown)

    def webhook(self, call: Call) -> Response:
        return json_reply(self._shown(self.world.webhooks.agent))

    def save_webhook(self, call: Call) -> Response:
        agent = self._agent(call)
        self.world.webhooks.agent = agent
        self.world.ledger.record("webhook.saved", enabled=agent.enabled, url=agent.url, types=agent.types)
        return json_reply(self._shown(agent))

    async def test_webhook(self, call: Call) -> Response:
        if not await self.world.webhooks.test(self._agent(call)):
            raise Refusal(500, "Failed to send webhook notification.")
        return Response(status_code=204)

    def services(self, kind: str) -> Response:
        return json_reply(self._servers(kind))

    def service(self, kind: str, call: Call) -> Response:
        server = next((row for row in self._servers(kind) if row["id"] == call.number("id")), None)
        if server is None:
            raise Refusal(404, f"{kind.capitalize()} server with provided ID does not exist.")
        folders = [
            {"id": 1, "path": server["activeDirectory"], "freeSpace": 2 * 10**12, "totalSpace": 4 * 10**12}
        ]
        if not server["is4k"]:
            folders.append(
                {
                    "id": 2,
                    "path": f"{server['activeDirectory']}-kids",
                    "freeSpace": 10**12,
                    "totalSpace": 4 * 10**12,
                }
            )
        return json_reply(
            {
                "server": server,
                "profiles": list(_PROFILES_4K if server["is4k"] else _PROFILES),
                "rootFolders": folders,
                "languageProfiles": None,
                "tags": [{"id": 1, "label": "family"}, {"id": 2, "label": "requested"}],
            }
        )

    def _servers(self, kind: str) -> list[dict[str, Any]]:
        """No secrets among them."""
        if not self.world.options.servers:
            return []
        folder = "/data/movies" if kind == "radarr" else "/data/tv"
        first = _server(0, kind.capitalize(), folder, 4, is4k=False)
        return (
            [first, _server(1, "Radarr 4K", "/data/movies-4k", 5, is4k=True)] if kind == "radarr" else [first]
        )

    def _shown(self, agent: Agent) -> dict[str, Any]:
        """Reading gives the template as plain text, though saving wants it made a string."""
        options: dict[str, Any] = {
            "webhookUrl": agent.url,
            "jsonPayload": json.loads(agent.payload),
            "authHeader": agent.auth_header,
        }
        if self.world.options.seerr:
            options["supportVariables"] = agent.variables
        return {"enabled": agent.enabled, "types": agent.types, "options": options}

    def _agent(self, call: Call) -> Agent:
        options = call.body.get("options") or {}
        payload = str(options.get("jsonPayload", ""))
        try:
            json.loads(payload)
        except ValueError as error:
            raise Refusal(500, str(error)) from error
        return Agent(
            enabled=bool(call.body.get("enabled")),
            types=int(call.body.get("types") or 0),
            url=str(options.get("webhookUrl", "")),
            auth_header=str(options.get("authHeader") or ""),
            payload=payload,
            variables=bool(options.get("supportVariables")),
        )


def _server(number: int, name: str, folder: str, profile: int, *, is4k: bool) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "is4k": is4k,
        "isDefault": True,
        "activeDirectory": folder,
        "activeProfileId": profile,
        "activeLanguageProfileId": None,
        "activeTags": [],
    }
