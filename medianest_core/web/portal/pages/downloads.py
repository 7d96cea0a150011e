"""Downloads: paste a link, look at what is behind it, follow the progress, play and save the files.

Everything is asked for on behalf of the viewer: what belongs to someone else does not exist here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.errors import Missing
from medianest_core.domain.downloads.entries import (
    Download,
    File,
    Item,
    Preview,
    TooManySubmissions,
)
from medianest_core.domain.downloads.entries import Progress as Measured
from medianest_core.domain.downloads.entries import Quota as Left
from medianest_core.domain.downloads.submission import Wish
from medianest_core.host.instance import InstanceInfo
from medianest_core.sdk.downloads import Availability, Downloader
from medianest_core.sdk.downloads import Choice as Option
from medianest_core.sdk.errors import MediaNestError, ProviderError, UserError
from medianest_core.sdk.permissions import OWNER, USER
from medianest_core.sdk.routes import Viewer
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import clock
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.frame import Frame, is_htmx
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import (
    NORMAL,
    Action,
    Art,
    Badge,
    Choice,
    DownloadItem,
    DownloadRow,
    DownloadsView,
    DownloadView,
    Fact,
    Field,
    FieldGroup,
    Form,
    PlayerView,
    PreviewItem,
    PreviewView,
    Progress,
    Quota,
    Sentinel,
    Step,
    TileState,
)

T = TypeVar("T")
_OPEN = ("queued", "running", "paused", "filing")
_STEPS = ("rescanning", "locating", "collecting", "done")


def status_label(status: str) -> str:
    """A plain word for the status of a download or an item, in the reader's language."""
    return {
        "queued": _("Waiting"),
        "running": _("Downloading"),
        "paused": _("Paused"),
        "filing": _("Into the library"),
        "done": _("Done"),
        "partial": _("Done in part"),
        "failed": _("Failed"),
        "cancelled": _("Cancelled"),
        "skipped": _("Left out"),
    }.get(status, status)


def availability_label(availability: Availability, note: str) -> str:
    """Why an item cannot be had; empty where it can."""
    if availability is Availability.OK:
        return ""
    words = {
        Availability.PRIVATE: _("Private"),
        Availability.REMOVED: _("Removed"),
        Availability.LIVE: _("Live now"),
        Availability.UPCOMING: _("Not out yet"),
        Availability.RESTRICTED: _("Restricted"),
    }[availability]
    return f"{words}: {_(note)}" if note else words


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
        services, person = services_of(request), someone(request)
        tab = request.query_params.get("tab", "mine")
        everyone = tab == "all" and person.is_admin
        found = await services.downloads.list(
            person, everyone=everyone, cursor=request.query_params.get("cursor"), limit=30
        )
        downloaders = [
            handle.instance
            for handle in services.host.instances.any(Downloader)  # type: ignore[type-abstract]  # a key, not made
        ]
        url = request.query_params.get("url", "")
        preview = await self._preview(request, url) if url else None
        names = await self._names(request, {one.user_id for one in found.items}) if everyone else {}
        with use_viewer(self._frame.view(request)):
            following = None
            if found.next_cursor:
                path = f"/downloads?tab={tab}&cursor={quote(found.next_cursor)}"
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
                url=url,
                preview=preview,
                tabs=tuple(tabs) if len(tabs) > 1 else (),
                rows=tuple(download_row(one, owner=names.get(one.user_id, "")) for one in found.items),
                quota=_quota(quota),
                notice=self._notice(downloaders),
                next=following,
                state=NORMAL
                if found.items
                else TileState(
                    kind="empty",
                    title=_("No downloads yet"),
                    text=_("Paste a link above; finished files land in your own folder and in the library."),
                    icon="download",
                ),
            )
        if is_htmx(request) and request.query_params.get("cursor"):
            return self._frame.fragment(request, "core/fragments/download_rows.html", view)
        return await self._frame.page(request, "core/downloads.html", view)

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

    async def _preview(self, request: Request, url: str) -> PreviewView:
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
            return preview_view(found)

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
            with use_viewer(self._frame.view(request)):
                message = _(str(error))
            return self._frame.go(
                request, f"/downloads?url={quote(str(form.get('url', '')), safe='')}", message=message
            )
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
                facts=_facts(download),
                filing=_filing(download, instance),
                collection=Action(
                    label=_("Open the collection"),
                    path=f"/collections/{download.target_instance}/{quote(download.collection_key, safe='')}",
                    icon="layers",
                )
                if download.collection_key and download.target_instance
                else None,
                badges=(Badge(text=download.quality), Badge(text=download.container)),
                player=_player(download, items, request.query_params.get("play", "")),
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


def _progress(key: str, measured: Measured, status: str) -> Progress:
    stages = {
        "downloading": "",
        "merging": _("Putting picture and sound together"),
        "converting": _("Converting"),
        "moving": _("Putting it in place"),
    }
    fraction = 1.0 if status == "done" else measured.fraction
    return Progress(
        live=f"download/{key}",
        fraction=fraction,
        rate=measured.speed,
        left=measured.eta,
        text=stages.get(measured.stage, ""),
        tone="warning" if status == "paused" else "primary",
    )


def download_row(one: Download, *, owner: str = "") -> DownloadRow:
    """One submission as a row."""
    base = f"/downloads/{one.id}"
    actions: list[Action] = []
    if one.status in ("queued", "running"):
        actions.append(Action(label=_("Pause"), path=f"{base}/pause", method="post", icon="pause"))
    if one.status == "queued":
        actions.append(Action(label=_("Do this next"), path=f"{base}/first", method="post", icon="arrow-up"))
    if one.status == "paused":
        actions.append(Action(label=_("Go on"), path=f"{base}/resume", method="post", icon="play"))
    if one.status in ("failed", "partial", "cancelled"):
        actions.append(
            Action(label=_("Try failed items again"), path=f"{base}/retry", method="post", icon="rotate-ccw")
        )
    if one.status not in _OPEN:
        actions.append(
            Action(
                label=_("Remove with its files"),
                path=f"{base}/remove",
                method="post",
                icon="trash-2",
                values=(("files", "true"),),
                confirm=_("This deletes the files of this download from the disk."),
            )
        )
    if one.status in _OPEN:
        actions.append(
            Action(
                label=_("Cancel"),
                path=f"{base}/cancel",
                method="post",
                icon="x",
                confirm=_("Cancel this download?"),
            )
        )
    return DownloadRow(
        id=one.id,
        title=one.title,
        path=base,
        state=one.status,  # type: ignore[arg-type]  # the domain uses the same words
        state_label=status_label(one.status),
        progress=_progress(one.id, one.progress, one.status),
        source=one.channel or urlsplit(one.url).hostname or "",
        items=(one.done, one.total),
        size=one.bytes or None,
        created_at=one.created_at,
        owner=owner,
        reason=_(one.reason) if one.reason else "",
        actions=tuple(actions),
    )


def download_item(download: Download, item: Item, person: Viewer) -> DownloadItem:
    """One item with what can be done with its files."""
    media = next((file for file in item.files if file.kind == "media"), None)
    play = save = None
    if media is not None:
        path = _file_path(download, media)
        if media.media_type.startswith(("video/", "audio/")):
            play = Action(label=_("Play"), path=f"/downloads/{download.id}?play={media.id}", icon="play")
        save = Action(label=_("Save"), path=f"{path}?save=1", icon="download")
    states = {"skipped": "cancelled"}
    return DownloadItem(
        id=item.id,
        title=item.title,
        state=states.get(item.status, item.status),  # type: ignore[arg-type]  # the domain uses the same words
        state_label=status_label(item.status),
        progress=_progress(f"{download.id}/{item.id}", item.progress, item.status),
        art=_thumbnail(download, item),
        duration=item.duration,
        size=media.size if media else item.size,
        reason=_(item.reason) if item.reason else _("You had it already.") if item.linked else "",
        file_name=media.name if media else "",
        play=play,
        save=save,
        actions=(Action(label=_("In the library"), path=f"/title/{item.title_id}", icon="library-big"),)
        if item.title_id
        else (),
    )


def _file_path(download: Download, file: File) -> str:
    return f"/downloads/{download.id}/files/{file.id}"


def _thumbnail(download: Download, item: Item) -> Art | None:
    found = next((file for file in item.files if file.kind == "thumbnail"), None)
    return Art(path=_file_path(download, found)) if found else None


def _player(download: Download, items: Sequence[Item], file_id: str) -> PlayerView | None:
    for item in items:
        for file in item.files:
            if file.id == file_id and file.kind == "media":
                return PlayerView(
                    title=item.title,
                    path=_file_path(download, file),
                    media_type=file.media_type,
                    audio=file.media_type.startswith("audio/"),
                    poster=_thumbnail(download, item),
                )
    return None


def _facts(download: Download) -> tuple[Fact, ...]:
    found = [
        Fact(label=_("Link"), value=download.url),
        Fact(label=_("Asked for"), value=download.created_at, kind="datetime"),
    ]
    if download.finished_at:
        found.append(Fact(label=_("Finished"), value=download.finished_at, kind="datetime"))
    if download.bytes:
        found.append(Fact(label=_("Size"), value=download.bytes, kind="bytes"))
    if download.folder:
        found.append(Fact(label=_("Folder"), value=download.folder, kind="code"))
    return tuple(found)


def _filing(download: Download, instance: InstanceInfo | None) -> tuple[Step, ...]:
    """The way into the library as steps; empty where nothing is to be filed."""
    if not download.target_instance:
        return ()
    stage = str(download.filing.get("stage", ""))
    times = download.filing.get("steps") or {}
    server = instance.title if instance else _("the media server")
    labels = {
        "rescanning": _("%(server)s looks at the folder") % {"server": server},
        "locating": _("It finds the items"),
        "collecting": _("They become a collection"),
        "done": _("In the library"),
    }
    place = _STEPS.index(stage) if stage in _STEPS else -1
    found = []
    for index, key in enumerate(_STEPS):
        if download.status == "failed" or stage == "failed":
            state = "done" if key in times else "ahead"
        elif stage == "done" or index < place:
            state = "done"
        else:
            state = "current" if index == place else "ahead"
        text = str(download.filing.get("reason", "")) if state == "current" else ""
        found.append(
            Step(label=labels[key], state=state, text=_(text) if text else "", at=times.get(key))  # type: ignore[arg-type]
        )
    if stage == "failed":
        found.append(
            Step(label=_("This did not work"), state="failed", text=_(str(download.filing.get("reason", ""))))
        )
    return tuple(found)


def preview_view(found: Preview) -> PreviewView:
    """What is behind a link, with the choices."""
    kinds = {"video": _("Video"), "playlist": _("Playlist"), "channel": _("Channel")}
    ok = [one for one in found.items if one.item.availability is Availability.OK]
    durations = [one.item.duration for one in ok if one.item.duration]
    sizes = [one.item.size for one in ok if one.item.size]
    return PreviewView(
        url=found.url,
        title=found.title,
        kind=found.kind,  # type: ignore[arg-type]  # the domain uses the same words
        kind_label=kinds.get(found.kind, found.kind),
        form=_choices_form(found),
        author=found.channel,
        items=tuple(
            PreviewItem(
                id=one.item.key,
                title=one.item.title,
                duration=one.item.duration,
                size=one.item.size,
                problem=availability_label(one.item.availability, one.item.note),
                have=one.have,
                chosen=one.item.availability is Availability.OK,
            )
            for one in found.items
        ),
        total_items=found.total,
        hidden=max(0, found.total - len(found.items)),
        duration=sum(durations) or None,
        size=sum(sizes) if sizes and len(sizes) == len(ok) else None,
        notes=tuple(_(warning) for warning in found.warnings),
    )


def _choices_form(found: Preview) -> Form:
    fields: list[Field] = []
    if found.options is not None:
        fields.append(_select("quality", _("Quality"), found.options.qualities))
        fields.append(_select("container", _("Format"), found.options.containers))
        if found.options.subtitles:
            fields.append(
                Field(
                    name="subtitles",
                    label=_("Subtitles"),
                    help=_("Languages, separated by commas; leave empty for none."),
                    example="en, de",
                )
            )
    if found.targets:
        choices = [
            Choice(
                label=f"{target.instance} · {target.title}",
                value=f"{target.instance_id}/{target.library}",
                current=index == 0,
            )
            for index, target in enumerate(found.targets)
        ]
        choices.append(Choice(label=_("Nowhere, only keep the files"), value=""))
        shared = _(
            "Everyone with access to that library can see a collection there; the download itself stays yours."
        )
        fields.append(
            Field(
                name="target",
                label=_("File it into"),
                kind="select",
                help=shared,
                value=choices[0].value,
                choices=tuple(choices),
            )
        )
    return Form(
        path="/downloads",
        id="submit",
        groups=(FieldGroup(fields=tuple(fields)),),
        submit=_("Download"),
        cancel_path="/downloads",
    )


def _select(name: str, label: str, options: Sequence[Option]) -> Field:
    chosen = list(options)
    return Field(
        name=name,
        label=label,
        kind="select",
        value=chosen[0].value if chosen else "",
        choices=tuple(
            Choice(
                label=_(one.label) + (f" ({_(one.note)})" if one.note else ""),
                value=one.value,
                current=index == 0,
            )
            for index, one in enumerate(chosen)
        ),
    )
