"""Routes of plugins, and the request their handlers are given. Handlers never see Starlette or FastAPI."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from medianest_core.sdk.permissions import USER, Policy

if TYPE_CHECKING:
    from medianest_core.sdk.context import PluginContext


@dataclass(frozen=True, slots=True)
class Viewer:
    """The signed-in person. id: user id. locale, timezone: as chosen, else as the browser says."""

    id: str
    username: str
    role: str
    permissions: frozenset[str]
    locale: str = "en"
    timezone: str = "UTC"

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"


class Request(ABC):
    """A request to a plugin's page or route."""

    method: str
    path: str
    path_params: Mapping[str, str]
    query: Mapping[str, str]
    viewer: Viewer
    context: PluginContext

    @abstractmethod
    async def form(self) -> Mapping[str, str]:
        """The posted form; at most 1 MiB."""

    @abstractmethod
    def url(self, path: str) -> str:
        """Address of a path of the portal, with the sub-path it is served under."""


@dataclass(frozen=True, slots=True)
class Html:
    """A page or fragment: `template` ("<plugin>/name.html") with `context`. status: HTTP status."""

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go to a path of the portal, optionally with a message that is shown there."""

    path: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON answer."""

    value: Any
    status: int = 200


@dataclass(frozen=True, slots=True)
class File:
    """A file below the plugin's data folder. Served with range requests, as a download when `filename` is given."""

    path: str
    media_type: str
    filename: str | None = None


Reply = Html | Redirect | Json | File
Handler = Callable[[Request], Awaitable[Reply]]


@dataclass(frozen=True)
class Route:
    """Contribution: `/p/<plugin>/<path>` of the portal, answering with a fragment, a redirect, JSON or a file."""

    method: str
    path: str
    handler: Handler
    policy: Policy = USER


@dataclass(frozen=True)
class ApiRoute:
    """Contribution: `/api/v1/plugins/<plugin>/<path>` in the JSON API and its OpenAPI document.

    handler(request, body) → an instance of `returns`. body None: the handler gets None.
    """

    method: str
    path: str
    handler: Callable[[Request, Any], Awaitable[BaseModel]]
    returns: type[BaseModel]
    body: type[BaseModel] | None = None
    policy: Policy = USER
    summary: str = ""
