"""Tdarr's API as those who use it describe it: the server is closed source, and nothing of this is promised."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from medianest_core.sdk import Http, InvalidResponse, Secret


class Worker(BaseModel):
    """percentage: 0 to 100. kind: e.g. "transcodecpu" or "healthcheckcpu"."""

    model_config = ConfigDict(extra="ignore")

    file: str = ""
    percentage: float = 0.0
    kind: str = Field("", alias="workerType")
    fps: float | None = None


class Node(BaseModel):
    id: str = Field(alias="_id")
    name: str = Field(alias="nodeName")
    paused: bool = Field(False, alias="nodePaused")
    workers: dict[str, Worker] = {}


class About(BaseModel):
    status: str
    version: str = ""


_NODES = TypeAdapter(dict[str, Node])


class TdarrClient:
    def __init__(self, http: Http, key: Secret) -> None:
        self._http = http
        self._headers = {"x-api-key": key.reveal()} if key else {}

    async def about(self) -> About:
        """Its version. Raises ProviderError."""
        reply = await self._http.get("/api/v2/status", headers=self._headers)
        try:
            return About.model_validate_json(reply.content)
        except ValidationError as error:
            raise _strange() from error

    async def nodes(self) -> list[Node]:
        """All nodes, with what they work on. Raises ProviderError."""
        reply = await self._http.get("/api/v2/get-nodes", headers=self._headers)
        try:
            return list(_NODES.validate_json(reply.content).values())
        except ValidationError as error:
            raise _strange() from error


def _strange() -> InvalidResponse:
    return InvalidResponse("Tdarr answered with something that is not understood.")
