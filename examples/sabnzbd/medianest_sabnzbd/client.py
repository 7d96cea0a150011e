"""SABnzbd's API: one address, what is wanted stands in the query, and most numbers are text."""

from __future__ import annotations

from pydantic import BaseModel, Field, ValidationError

from medianest_core.sdk import AuthFailed, Http, InvalidResponse, Rejected, Secret


class Slot(BaseModel):
    """A download. percentage: 0 to 100. timeleft: "h:mm:ss" or "d:hh:mm:ss"."""

    id: str = Field(alias="nzo_id")
    filename: str
    status: str
    percentage: float = 0.0
    timeleft: str = ""

    @property
    def seconds_left(self) -> float | None:
        """None where it does not say, which is also so while nothing moves."""
        parts = self.timeleft.split(":")
        if not 3 <= len(parts) <= 4 or not all(one.isdigit() for one in parts):
            return None
        factors = (86_400, 3_600, 60, 1)[-len(parts) :]
        return float(sum(int(one) * factor for one, factor in zip(parts, factors, strict=True))) or None


class Queue(BaseModel):
    version: str
    paused: bool
    speed_kb: float = Field(0.0, alias="kbpersec")
    count: int = Field(alias="noofslots_total")
    slots: list[Slot]


class _Told(BaseModel):
    queue: Queue | None = None
    status: bool = True
    error: str = ""


class SabnzbdClient:
    def __init__(self, http: Http, key: Secret) -> None:
        self._http = http
        self._key = key

    async def queue(self) -> Queue:
        """What is being fetched, the first hundred. Raises ProviderError."""
        told = await self._ask(mode="queue", start="0", limit="100")
        if told.queue is None:
            raise InvalidResponse("SABnzbd did not say what is in its queue.")
        return told.queue

    async def resume(self) -> None:
        """End a pause. Raises ProviderError."""
        await self._ask(mode="resume")

    async def _ask(self, **params: str) -> _Told:
        reply = await self._http.get(
            "/api", params={**params, "output": "json", "apikey": self._key.reveal()}
        )
        if reply.text.startswith("API Key"):
            # Older versions say so with status 200.
            raise AuthFailed("SABnzbd refused the API key.")
        try:
            told = _Told.model_validate_json(reply.content)
        except ValidationError as error:
            raise InvalidResponse("SABnzbd answered with something that is not understood.") from error
        if not told.status:
            raise Rejected(f"SABnzbd says: {told.error[:200]}")
        return told
