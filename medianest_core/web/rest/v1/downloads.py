"""Downloads of the person who asks; admins see everyone's. What is someone else's does not exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from medianest_core.domain.downloads.entries import Download, DownloadPage, Item, Preview, Quota, Target
from medianest_core.domain.downloads.submission import Wish
from medianest_core.sdk.permissions import OWNER, USER
from medianest_core.web.gate.problems import Problem
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.rest.resource import Cursor, Limit, Resource

downloads = Resource("downloads", "/downloads")


class Address(BaseModel):
    """instance_id: of the downloader; left out, the first that understands the address."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=2000)
    instance_id: str | None = None


class LibraryChoice(BaseModel):
    model_config = ConfigDict(extra="forbid")

    instance_id: str = Field(max_length=36)
    library: str = Field(max_length=200)


class NewDownload(Address):
    """quality, container: values that inspecting offers; empty for the first. items: keys of the chosen ones; left out, all.

    library: where to file them. collection: its title there; left out, the playlist's; empty, none. server_folder: the downloads
    folder as that server sees it, where the guess is wrong.
    """

    quality: str = Field("", max_length=40)
    container: str = Field("", max_length=40)
    subtitles: list[str] = Field(default_factory=list, max_length=20)
    items: list[str] | None = Field(None, max_length=10_000)
    library: LibraryChoice | None = None
    collection: str | None = Field(None, max_length=200)
    server_folder: str | None = Field(None, max_length=1000)


class DownloadDetail(BaseModel):
    download: Download
    items: Sequence[Item]


class Place(BaseModel):
    """before: id of the waiting download it should run before; null for after all. version: as read, for a 409."""

    model_config = ConfigDict(extra="forbid")

    before: str | None = None
    version: int | None = None


@downloads.post("/inspect", policy=USER)
async def inspect(request: Request, body: Address) -> Preview:
    """Look at an address before submitting it."""
    return await services_of(request).downloads.inspect(someone(request), body.url, body.instance_id)


@downloads.get("/targets", policy=USER)
async def list_targets(request: Request) -> list[Target]:
    """Libraries that finished files can be filed into."""
    return await services_of(request).downloads.targets()


@downloads.get("/quota/{instance_id}", policy=USER)
async def get_quota(request: Request, instance_id: str) -> Quota:
    """How many more you can submit within the hour."""
    return await services_of(request).downloads.quota(someone(request), instance_id)


@downloads.post(policy=USER, status=201)
async def submit(request: Request, body: NewDownload) -> DownloadDetail:
    """Put it into the queue."""
    wish = Wish(
        quality=body.quality,
        container=body.container,
        subtitles=tuple(body.subtitles),
        items=tuple(body.items) if body.items is not None else None,
        library=(body.library.instance_id, body.library.library) if body.library else None,
        collection=body.collection,
        server_folder=body.server_folder,
    )
    download_id = await services_of(request).downloads.submit(
        someone(request), body.url, wish, body.instance_id
    )
    return await get_download(request, download_id)


@downloads.get(policy=USER)
async def list_downloads(
    request: Request,
    status: Annotated[list[str], Query(max_length=10)] = [],  # noqa: B006  # read by FastAPI, never changed
    everyone: bool = False,
    cursor: Cursor = None,
    limit: Limit = 30,
) -> DownloadPage:
    """Newest first. everyone: for admins."""
    return await services_of(request).downloads.list(
        someone(request), everyone=everyone, statuses=status, cursor=cursor, limit=limit
    )


@downloads.get("/files/{file_id}", policy=OWNER)
async def get_file(request: Request, file_id: str) -> Response:
    """A finished file; ranges are answered, so that players can seek."""
    found = await services_of(request).downloads.file(someone(request), file_id)
    if found is None:
        raise Problem(404, "There is no such file.", code="missing")
    return FileResponse(
        found.path,
        media_type=found.media_type if found.shown else "application/octet-stream",
        filename=found.name,
        content_disposition_type="inline" if found.shown else "attachment",
    )


@downloads.get("/{download_id}", policy=OWNER)
async def get_download(request: Request, download_id: str) -> DownloadDetail:
    """One with its first 200 items."""
    service, viewer = services_of(request).downloads, someone(request)
    download = await service.get(viewer, download_id)
    items = await service.items(viewer, download_id)
    if download is None or items is None:
        raise _missing()
    return DownloadDetail(download=download, items=items)


@downloads.get("/{download_id}/items", policy=OWNER)
async def list_items(
    request: Request,
    download_id: str,
    after: Annotated[int, Query(ge=0, le=2**31)] = 0,
    limit: Limit = 200,
) -> Sequence[Item]:
    """In their order. after: number of the last one that is known."""
    items = await services_of(request).downloads.items(
        someone(request), download_id, after=after, limit=limit
    )
    if items is None:
        raise _missing()
    return items


@downloads.post("/{download_id}/{action}", policy=OWNER)
async def steer(
    request: Request, download_id: str, action: Literal["cancel", "pause", "resume", "retry"]
) -> Download:
    """retry: fetch failed and cancelled items again."""
    service, viewer = services_of(request).downloads, someone(request)
    steps = {
        "cancel": service.cancel,
        "pause": service.pause,
        "resume": service.resume,
        "retry": service.retry_failed,
    }
    return _found(await steps[action](viewer, download_id))


@downloads.put("/{download_id}/place", policy=OWNER)
async def reorder(request: Request, download_id: str, body: Place) -> Download:
    """Let it run earlier or later than your other downloads."""
    return _found(
        await services_of(request).downloads.reorder(
            someone(request), download_id, body.before, version=body.version
        )
    )


@downloads.post("/{download_id}/items/{item_id}/{action}", policy=OWNER)
async def steer_item(
    request: Request, download_id: str, item_id: str, action: Literal["cancel", "retry"]
) -> Download:
    service, viewer = services_of(request).downloads, someone(request)
    if action == "cancel":
        return _found(await service.cancel_item(viewer, download_id, item_id))
    return _found(await service.retry_failed(viewer, download_id, item_id))


@downloads.delete("/{download_id}", policy=OWNER)
async def remove(request: Request, download_id: str, files: bool = False) -> None:
    """Forget a finished download. files: delete its files too."""
    if not await services_of(request).downloads.remove(someone(request), download_id, files=files):
        raise _missing()


def _found(download: Download | None) -> Download:
    if download is None:
        raise _missing()
    return download


def _missing() -> Problem:
    return Problem(404, "There is no such download.", code="missing")
