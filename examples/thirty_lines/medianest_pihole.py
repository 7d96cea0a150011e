"""Pi-hole on the status page: a complete plugin."""

from medianest_core.sdk import (
    HttpUrl,
    Item,
    Manifest,
    Secret,
    ServiceSettings,
    ServiceType,
    Snapshot,
    StatusProvider,
    StatusProviders,
    hookimpl,
)


class Settings(ServiceSettings):
    url: HttpUrl
    key: Secret


PIHOLE = ServiceType("pihole", Settings)


class Status(StatusProvider[Settings]):
    service = PIHOLE

    async def snapshot(self) -> Snapshot:
        reply = await self.http.get("/api/summary", headers={"X-Key": self.config.key.reveal()})
        return Snapshot(items=[Item("dns", up=reply.json()["status"] == "enabled")])


manifest = Manifest("pihole", title="Pi-hole", api="1.0")


@hookimpl
def register_status_providers() -> StatusProviders:
    return [Status]
