"""OMDb's protocol: one call a title, errors with status 200, and one status for two refusals."""

from __future__ import annotations

from pydantic import ValidationError

from medianest_core.sdk import AuthFailed, Http, InvalidResponse, RateLimited, Secret
from medianest_omdb.models import Answer

_UNKNOWN = ("incorrect imdb id", "not found", "error getting data")


class OmdbClient:
    def __init__(self, http: Http, key: Secret) -> None:
        self._http = http
        self._key = key

    async def title(self, imdb: str) -> Answer | None:
        """What OMDb says of a title, None where it knows none. Raises ProviderError."""
        reply = await self._http.request(
            "GET", "/", params={"apikey": self._key.reveal(), "i": imdb, "plot": "short", "r": "json"}
        )
        if reply.status == 401 and "limit" in reply.text.lower():
            # The same status as for a wrong key, and nothing an admin could mend: tomorrow it goes on.
            raise RateLimited("OMDb's limit of calls for today is reached.")
        if reply.status == 401:
            raise AuthFailed("OMDb refused the key.")
        try:
            said = Answer.model_validate_json(reply.raise_for_status().content)
        except ValidationError as error:
            raise InvalidResponse("OMDb answered with something that is not understood.") from error
        if said.response:
            return said
        if any(words in said.error.lower() for words in _UNKNOWN):
            return None
        raise InvalidResponse(f"OMDb says: {said.error[:200]}")
