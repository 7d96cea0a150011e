"""RequestBackend: asks Overseerr, Jellyseerr or Seerr for films and seasons.

`is4k` is always sent: left out it is no longer compared with earlier requests, and a second one would be made.
"""

from __future__ import annotations

from collections.abc import Sequence

from medianest_core.sdk import (
    MOVIE,
    N_,
    SEASON,
    SHOW,
    AuthFailed,
    BackendUser,
    Issue,
    NotFound,
    Quota,
    Rejected,
    RequestBackend,
    RequestItem,
    RequestOption,
    RequestState,
    RequestStatus,
)
from medianest_overseerr import finding, issues, models, options, reading, states
from medianest_overseerr.client import SeerrClient, broken, said, whole
from medianest_overseerr.service import SEERR
from medianest_overseerr.settings import SeerrSettings

MOST_UNCHANGED = 1000
"""Requests, the last modified first, that are looked through for a title that changed."""
_NO = {
    "Movie Quota exceeded.": N_("This person's quota for films in Overseerr or Seerr is used up."),
    "Series Quota exceeded.": N_("This person's quota for seasons in Overseerr or Seerr is used up."),
    "This media is blocklisted.": N_("This title is on the blocklist of Overseerr or Seerr."),
    "You do not have permission to make movie requests.": N_(
        "This person may not ask for films in Overseerr or Seerr."
    ),
    "You do not have permission to make series requests.": N_(
        "This person may not ask for series in Overseerr or Seerr."
    ),
    "You do not have permission to make 4K movie requests.": N_(
        "This person may not ask for films in 4K in Overseerr or Seerr."
    ),
    "You do not have permission to make 4K series requests.": N_(
        "This person may not ask for series in 4K in Overseerr or Seerr."
    ),
    "You do not have permission to modify the request user.": N_(
        "The account of the API key may not ask on behalf of others in Overseerr or Seerr."
    ),
}


class SeerrRequests(RequestBackend[SeerrSettings, SeerrClient]):
    service = SEERR

    def kinds(self) -> frozenset[str]:
        return frozenset({MOVIE, SHOW, SEASON})

    async def submit(self, item: RequestItem, user: str) -> RequestState:
        kind, tmdb = await finding.title(self.client, item)
        body = {
            "mediaType": kind,
            "mediaId": tmdb,
            "is4k": item.variant == "4k",
            **options.chosen(item.options),
        }
        if kind == "tv":
            body["seasons"] = await finding.wanted_seasons(self.client, item, tmdb)
        acting = user if self.config.approve_there else ""
        if user and not acting:
            body["userId"] = int(user) if user.isdecimal() else -1
        try:
            status, found = await self.client.send(
                "POST", "/request", json=body, user=acting, expect=(202, 403, 409, 500)
            )
        except AuthFailed:
            await self._known_person(acting)
            raise
        if status in (202, 409):
            return await self._already(item, user, said(found))
        if status == 500 and "Failed to fetch" in said(found) and "404" in said(found):
            raise Rejected("TMDB, which Overseerr or Seerr asks, does not know this title.")
        if status == 500 and user and "entity of type" in said(found):
            raise Rejected("Overseerr or Seerr does not know this person any more.")
        if status == 500:
            raise broken(said(found))
        if status == 403:
            raise _refused(said(found))
        return states.state(reading.row(found))

    async def find(self, item: RequestItem, user: str) -> RequestState | None:
        kind, tmdb = await finding.title(self.client, item)
        return await finding.standing(self.client, kind, tmdb, item, user)

    async def state(self, reference: str) -> RequestState:
        try:
            return states.state(await self.client.request(reference))
        except NotFound:
            return await self._gone(reference)

    async def cancel(self, reference: str) -> None:
        try:
            await self.client.send("DELETE", f"/request/{whole(reference)}")
        except NotFound:
            await self._gone(reference)

    async def list(self, since: float) -> Sequence[RequestState]:
        """Overseerr leaves a request's own time as it is when its title becomes available, so older requests are looked through
        too, though not without end."""
        found: dict[str, RequestState] = {}
        looked = 0
        async for row in self.client.pages("/request", "&sort=modified"):
            looked += 1
            one = states.state(row)
            if (one.changed_at or 0.0) >= since:
                # Lists leave out which seasons are there.
                found[one.reference] = await self.state(one.reference) if states.partly(row) else one
            elif looked >= MOST_UNCHANGED:
                break
        return sorted(found.values(), key=lambda one: (-(one.changed_at or 0.0), one.reference))

    async def options(self, kind: str, variant: str = "") -> Sequence[RequestOption]:
        return await options.offered(self.client, kind, variant)

    async def approve(self, reference: str) -> RequestState:
        # Approving again would hand it on to Radarr or Sonarr a second time.
        return await self._decide(reference, "approve", (states.APPROVED, states.COMPLETED))

    async def decline(self, reference: str) -> RequestState:
        return await self._decide(reference, "decline", (states.DECLINED,))

    async def report(self, issue: Issue, user: str) -> str:
        return await issues.report(self.client, issue, user)

    async def issues(self) -> Sequence[Issue]:
        return await issues.listed(self.client)

    async def resolve(self, reference: str) -> None:
        await issues.resolve(self.client, reference)

    async def users(self) -> Sequence[BackendUser]:
        found = [models.person(row) async for row in self.client.pages("/user")]
        return [person for person in found if person is not None]

    async def quota(self, user: str) -> Sequence[Quota]:
        return await self.client.quota(user or str((await self.client.account()).id))

    async def _decide(self, reference: str, verb: str, done: Sequence[int]) -> RequestState:
        try:
            row = await self.client.request(reference)
            if reading.whole(row, "status") in done:
                return states.state(row)
            _, row = await self.client.send("POST", f"/request/{reference}/{verb}")
        except NotFound:
            return await self._gone(reference)
        return states.state(reading.row(row))

    async def _already(self, item: RequestItem, user: str, words: str) -> RequestState:
        """It said that nothing was made because it has that already."""
        found = await self.find(item, user)
        if found is not None and found.status is RequestStatus.FAILED:
            # Asking once more for what failed is to hand the same request on again.
            _, row = await self.client.send("POST", f"/request/{found.reference}/retry")
            return states.state(reading.row(row))
        if found is not None:
            return found
        if words == "No seasons available to request":
            raise Rejected("All of these seasons are there or asked for already.")
        raise _refused(words)

    async def _gone(self, reference: str) -> RequestState:
        """A request that is not found is gone only where Seerr itself answers; a wrong address is none."""
        await self.client.account()
        return states.gone(reference)

    async def _known_person(self, user: str) -> None:
        """The same refusal stands for a wrong key and for a person who is unknown. Raises Rejected for the latter."""
        if user:
            await self.client.account()
            raise Rejected("Overseerr or Seerr does not know this person any more.")


def _refused(words: str) -> Rejected:
    return Rejected(_NO.get(words) or N_("Overseerr or Seerr refuses this: {words}").format(words=words))
