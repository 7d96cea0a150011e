"""Downloads: paste a link, look at what is behind it, follow the progress, play and save the files.

Everything is asked for on behalf of the viewer: what belongs to someone else does not exist here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.downloads.entries import (
    DownloadPage,
    TooManySubmissions,
)
from medianest_core.domain.downloads.entries import Quota as Left
from medianest_core.domain.downloads.submission import Wish
from medianest_core.host.instance import InstanceInfo
from medianest_core.sdk.downloads import Downloader
from medianest_core.sdk.errors import MediaNestError, ProviderError, UserError
from medianest_core.sdk.permissions import OWNER, USER
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import clock
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.download_preview import preview_view, shown_again
from medianest_core.web.portal.pages.download_rows import (
    download_facts,
    download_item,
    download_row,
    filing_steps,
    player_view,
)
from medianest_core.web.portal.pages.frame import Frame, is_htmx
from medianest_core.web.portal.pages.images import image_response, width_of
from medianest_core.web.portal.pages.shown import read_rows, shown
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import (
    NORMAL,
    Action,
    Badge,
    Choice,
    DownloadsView,
    DownloadView,
    Form,
    PreviewView,
    Quota,
    Sentinel,
    TileState,
)

T = TypeVar("T")
AT_ONCE = 30


class DownloadPages:
    """Handlers of the downloads pages."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def routes(self) -> list[BaseRoute]:
        one = "/downloads/{id}"
        return [
            page("/downloads", self.list, policy=USER),
            page("/downloads", self.submit, methods=("POST",), policy=USER),
            page("/fragments/downloads/inspect", self.inspect, policy=USER),
            page("/fragments/downloads/{id}", self.row, policy=OWNER),
            page("/img/downloads/{picture}", self.picture, policy=OWNER),
            page(one, self.detail, policy=OWNER),
            page(one + "/files/{file}", self.file, policy=OWNER),
            page(one + "/cancel", self.cancel, methods=("POST",), policy=OWNER),
            page(one + "/retry", self.retry, methods=("POST",), policy=OWNER),
            page(one + "/pause", self.pause, methods=("POST",), policy=OWNER),
            page(one + "/resume", self.resume, methods=("POST",), policy=OWNER),
            page(one + "/first", self.first, methods=("POST",), policy=OWNER),
            page(one + "/remove", self.remove, methods=("POST",), policy=OWNER),
        ]

    async def list(self, request: Request) -> Response:
        url = request.query_params.get("url", "")
        return await self._list(request, await self._preview(request, url) if url else None)

    async def _list(
        self, request: Request, preview: PreviewView | None = None, *, status: int = 200
    ) -> Response:
        services, person = services_of(request), someone(request)
        tab = request.query_params.get("tab", "mine")
        everyone = tab == "all" and person.is_admin
        cursor, again = request.query_params.get("cursor"), shown(request)

        async def read(cursor: str | None, limit: int) -> DownloadPage:
            return await services.downloads.list(person, everyone=everyone, cursor=cursor, limit=limit)

        found, further = await read_rows(read, cursor, max(AT_ONCE, again or 0))
        downloaders = [
            handle.instance
            for handle in services.host.instances.any(Downloader)  # type: ignore[type-abstract]  # a key, not made
        ]
        names = await self._names(request, {one.user_id for one in found}) if everyone else {}
        with use_viewer(self._frame.view(request)):
            following = None
            if further:
                path = f"/downloads?tab={tab}&cursor={quote(further)}"
                following = Sentinel(next_path=path, page_path=path)
            tabs = [Choice(label=_("Mine"), value="mine", path="/downloads", current=not everyone)]
            if person.is_admin:
                tabs.append(
                    Choice(label=_("Everyone's"), value="all", path="/downloads?tab=all", current=everyone)
                )
            ready = [info for info in downloaders if info.ready]
            quota = await services.downloads.quota(person, ready[0].id) if ready else None
            view = DownloadsView(
                inspect_path="/fragments/downloads/inspect",
                path="/downloads" + ("?tab=all" if everyone else ""),
                url=preview.url if preview else "",
                preview=preview,
                tabs=tuple(tabs) if len(tabs) > 1 else (),
                rows=tuple(download_row(one, owner=names.get(one.user_id, "")) for one in found),
                quota=_quota(quota),
                notice=self._notice(downloaders),
                next=following,
                state=NORMAL
                if found
                else TileState(
                    kind="empty",
                    title=_("No downloads yet"),
                    text=_("Paste a link above; finished files land in your own folder and in the library."),
                    icon="download",
                ),
            )
        if is_htmx(request) and cursor:
            return self._frame.fragment(request, "core/fragments/download_rows.html", view)
        if again is not None:
            return self._frame.fragment(request, "core/fragments/downloads.html", view)
        return await self._frame.page(request, "core/downloads.html", view, status=status)

    def _notice(self, instances: Sequence[InstanceInfo]) -> str:
        if not instances:
            return _("No download service is connected. An admin can add one under Services.")
        if not any(info.ready for info in instances):
            return _("Downloads are not possible right now: %(reason)s") % {"reason": instances[0].reason}
        return ""

    async def _names(self, request: Request, ids: set[str]) -> dict[str, str]:
        users = services_of(request).accounts.users
        names = {}
        for user_id in ids:
            try:
                names[user_id] = (await users.get(user_id)).name
            except MediaNestError:
                names[user_id] = _("(deleted account)")
        return names

    async def inspect(self, request: Request) -> Response:
        view = await self._preview(request, request.query_params.get("url", ""))
        return self._frame.fragment(request, "core/fragments/preview.html", view)

    async def _preview(
        self, request: Request, url: str, sent: FormData | None = None, problem: UserError | None = None
    ) -> PreviewView:
        """What is behind the link. sent, problem: the choices that could not be taken, shown again."""
        person = someone(request)
        try:
            found = await services_of(request).downloads.inspect(person, url.strip())
        except (UserError, ProviderError) as error:
            with use_viewer(self._frame.view(request)):
                return PreviewView(
                    url=url,
                    title=url,
                    kind="video",
                    kind_label="",
                    form=Form(path="/downloads", groups=(), submit=""),
                    state=TileState(
                        kind="failed",
                        title=_("This link cannot be used"),
                        text=_(str(error)),
                        icon="link-2-off",
                    ),
                )
        with use_viewer(self._frame.view(request)):
            view = preview_view(found, person)
            return view if sent is None or problem is None else shown_again(view, sent, problem)

    async def submit(self, request: Request) -> Response:
        person, form = someone(request), await request.form()
        chosen = str(form.get("target", ""))
        instance, _sep, library = chosen.partition("/")
        subtitles = [part.strip() for part in str(form.get("subtitles", "")).split(",") if part.strip()]
        try:
            download_id = await services_of(request).downloads.submit(
                person,
                str(form.get("url", "")),
                Wish(
                    items=tuple(str(value) for value in form.getlist("item")) or None,
                    quality=str(form.get("quality", "")),
                    container=str(form.get("container", "")),
                    subtitles=tuple(subtitles),
                    collection=str(form.get("collection", "")).strip() or None,
                    library=(instance, library) if instance and library else None,
                    server_folder=str(form.get("server_folder", "")).strip() or None,
                ),
            )
        except TooManySubmissions as error:
            with use_viewer(self._frame.view(request)):
                text = _(
                    "You can submit %(limit)d downloads an hour. The next one is possible at %(time)s."
                ) % {
                    "limit": error.limit,
                    "time": clock(error.retry_at),
                }
            raise _Worded(text, error) from None
        except UserError as error:
            preview = await self._preview(request, str(form.get("url", "")), form, error)
            return await self._list(request, preview, status=422)
        return self._frame.go(request, f"/downloads/{download_id}")

    async def row(self, request: Request) -> Response:
        download = _there(
            await services_of(request).downloads.get(someone(request), request.path_params["id"])
        )
        with use_viewer(self._frame.view(request)):
            view = download_row(download)
        return self._frame.fragment(request, "core/fragments/download_row.html", view)

    async def detail(self, request: Request) -> Response:
        services, person = services_of(request), someone(request)
        download = _there(await services.downloads.get(person, request.path_params["id"]))
        items = _there(await services.downloads.items(person, download.id))
        names = await self._names(request, {download.user_id}) if download.user_id != person.id else {}
        instance = next(
            (info for info in services.host.instances.all() if info.id == download.target_instance), None
        )
        with use_viewer(self._frame.view(request)):
            view = DownloadView(
                row=download_row(download, owner=names.get(download.user_id, "")),
                items=tuple(download_item(download, item, person) for item in items),
                facts=download_facts(download),
                filing=filing_steps(download, instance),
                collection=Action(
                    label=_("Open the collection"),
                    path=f"/collections/{download.target_instance}/{quote(download.collection_key, safe='')}",
                    icon="layers",
                )
                if download.collection_key and download.target_instance
                else None,
                badges=(Badge(text=download.quality), Badge(text=download.container)),
                player=player_view(download, items, request.query_params.get("play", "")),
            )
        return await self._frame.page(request, "core/download.html", view)

    async def file(self, request: Request) -> Response:
        """A finished file, whole or in ranges; `?save=1` as a download."""
        person, downloads = someone(request), services_of(request).downloads
        _there(await downloads.get(person, request.path_params["id"]))
        served = _there(await downloads.file(person, request.path_params["file"]))
        save = request.query_params.get("save") or not served.shown
        return FileResponse(
            served.path,
            media_type=served.media_type if served.shown else "application/octet-stream",
            filename=served.name,
            content_disposition_type="attachment" if save else "inline",
            headers={"Cache-Control": "private, no-cache", "Cross-Origin-Resource-Policy": "same-origin"},
        )

    async def picture(self, request: Request) -> Response:
        """The picture of a download, an item or a place in a preview, by the id that the viewer was given."""
        served = await services_of(request).downloads.picture(
            someone(request),
            request.path_params["picture"],
            width_of(request, 480),
            request.headers.get("accept", ""),
        )
        return image_response(request, served, max_age=3600)

    async def cancel(self, request: Request) -> Response:
        _there(await services_of(request).downloads.cancel(someone(request), request.path_params["id"]))
        return self._back(request, _("Cancelled."))

    async def retry(self, request: Request) -> Response:
        _there(await services_of(request).downloads.retry_failed(someone(request), request.path_params["id"]))
        return self._back(request, _("The failed items are tried again."))

    async def pause(self, request: Request) -> Response:
        _there(await services_of(request).downloads.pause(someone(request), request.path_params["id"]))
        return self._back(request, _("Paused."))

    async def resume(self, request: Request) -> Response:
        _there(await services_of(request).downloads.resume(someone(request), request.path_params["id"]))
        return self._back(request, _("It goes on."))

    async def first(self, request: Request) -> Response:
        person, downloads = someone(request), services_of(request).downloads
        _there(await downloads.get(person, request.path_params["id"]))
        waiting = await downloads.list(person, statuses=("queued",), limit=100)
        ahead = min(waiting.items, key=lambda one: one.position, default=None)
        before = ahead.id if ahead and ahead.id != request.path_params["id"] else None
        if before is not None:
            _there(await downloads.reorder(person, request.path_params["id"], before))
        return self._back(request, _("It is next."))

    async def remove(self, request: Request) -> Response:
        files = str((await request.form()).get("files", "")) == "true"
        if not await services_of(request).downloads.remove(
            someone(request), request.path_params["id"], files=files
        ):
            raise Missing(_("There is no such download."))
        return self._frame.go(request, "/downloads", message=_("Removed."))

    def _back(self, request: Request, message: str) -> Response:
        return self._frame.go(request, f"/downloads/{request.path_params['id']}", message=message)


def _there(found: T | None) -> T:
    """What was found; someone else's is as if it did not exist."""
    if found is None:
        raise Missing(_("There is no such download."))
    return found


class _Worded(MediaNestError):
    """A refusal in the reader's language, with the time of the next try."""

    def __init__(self, text: str, cause: TooManySubmissions) -> None:
        super().__init__(text)
        self.retry_at = cause.retry_at


def _quota(quota: Left | None) -> Quota | None:
    return None if quota is None else Quota(left=quota.left, limit=quota.limit, next_at=quota.next_at)
