"""Downloads and their items as rows, with what can be done about them."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from medianest_core.domain.downloads.entries import OPEN, Download, File, Item
from medianest_core.domain.downloads.entries import Progress as Measured
from medianest_core.host.instance import InstanceInfo
from medianest_core.sdk.routes import Viewer
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.views import (
    Action,
    Art,
    DownloadItem,
    DownloadRow,
    Fact,
    PlayerView,
    Progress,
    Step,
)

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
    if one.status not in OPEN:
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
    if one.status in OPEN:
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
        art=download_art(one.image, one.title),
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
        art=download_art(item.image, item.title),
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


def download_art(image_id: str | None, title: str) -> Art | None:
    if image_id is None:
        return None
    return Art(path=f"/img/downloads/{image_id}", alt=_("Picture of %(title)s") % {"title": title})


def player_view(download: Download, items: Sequence[Item], file_id: str) -> PlayerView | None:
    for item in items:
        for file in item.files:
            if file.id == file_id and file.kind == "media":
                return PlayerView(
                    title=item.title,
                    path=_file_path(download, file),
                    media_type=file.media_type,
                    audio=file.media_type.startswith("audio/"),
                    poster=download_art(item.image, item.title),
                )
    return None


def download_facts(download: Download) -> tuple[Fact, ...]:
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


def filing_steps(download: Download, instance: InstanceInfo | None) -> tuple[Step, ...]:
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
        told = state == "current" or (key == "done" and stage == "done")
        text = str(download.filing.get("reason", "")) if told else ""
        found.append(
            Step(label=labels[key], state=state, text=_(text) if text else "", at=times.get(key))  # type: ignore[arg-type]
        )
    if stage == "failed":
        found.append(
            Step(label=_("This did not work"), state="failed", text=_(str(download.filing.get("reason", ""))))
        )
    return tuple(found)
