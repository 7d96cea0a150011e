"""Board games: people ask for them, the game club's list is asked to buy them, and says when they are there."""

from medianest_core.sdk import (
    Contributions,
    HttpUrl,
    Manifest,
    MediaType,
    RequestBackend,
    RequestBackends,
    RequestItem,
    RequestState,
    RequestStatus,
    Secret,
    ServiceSettings,
    ServiceType,
    hookimpl,
)


class Settings(ServiceSettings):
    url: HttpUrl
    key: Secret


CLUB = ServiceType("club", Settings, title="Game club")
STATES = {"open": RequestStatus.APPROVED, "bought": RequestStatus.PROCESSING, "here": RequestStatus.AVAILABLE}


class Club(RequestBackend[Settings]):
    service = CLUB

    def kinds(self) -> frozenset[str]:
        return frozenset({"boardgame"})

    async def submit(self, item: RequestItem, user: str) -> RequestState:
        # The number of a game is its place in the list: asked a second time, it is the same wish.
        return await self._ask("POST", item.ids["bgg"], {"title": item.title})

    async def find(self, item: RequestItem, user: str) -> RequestState | None:
        found = await self._ask("GET", item.ids["bgg"])
        return found if found.status is not RequestStatus.GONE else None

    async def state(self, reference: str) -> RequestState:
        return await self._ask("GET", reference)

    async def _ask(self, method: str, game: str, body: object = None) -> RequestState:
        headers = {"X-Key": self.config.key.reveal()}
        reply = await self.http.request(method, f"/games/{game}", json=body, headers=headers)
        if reply.status == 404:
            return RequestState(game, RequestStatus.GONE)
        return RequestState(game, STATES[reply.raise_for_status().json()["state"]])


manifest = Manifest(
    "board_games", title="Board games", api="1.0", description="Lets people ask for board games."
)


@hookimpl
def register_request_backends() -> RequestBackends:
    return [Club]


@hookimpl
def register_contributions() -> Contributions:
    return [MediaType("boardgame", "Board game", "Board games", icon="puzzle")]
