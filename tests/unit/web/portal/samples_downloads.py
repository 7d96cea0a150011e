"""Sample view-models of downloads and subscriptions."""

from __future__ import annotations

from dataclasses import replace

from medianest_core.web.portal import views as v
from medianest_core.web.portal.views.access import LeavingView
from medianest_core.web.portal.views.downloads import SubscriptionRow, SubscriptionsView, SubscriptionView
from tests.unit.web.portal.samples_basics import DAY, HOUR, NOW, PROGRESS, art


def download_rows() -> tuple[v.DownloadRow, ...]:
    quiet = v.Progress(live="download/d2", fraction=None)
    cancel = v.Action(
        label="Cancel",
        path="/downloads/d1/cancel",
        method="post",
        icon="x",
        swap="closest [data-swap]",
        confirm="What was fetched so far is removed.",
        tone="error",
    )
    return (
        v.DownloadRow(
            id="d1",
            title="Harbour walks",
            path="/downloads/d1",
            state="running",
            state_label="Running",
            progress=PROGRESS,
            art=art("b2"),
            source="Video site",
            items=(3, 6),
            size=812_000_000,
            created_at=NOW - 400,
            actions=(cancel,),
        ),
        v.DownloadRow(
            id="d2",
            title="How tide tables are made",
            path="/downloads/d2",
            state="queued",
            state_label="Waiting for its turn",
            progress=quiet,
            source="Video site",
            created_at=NOW - 300,
            actions=(cancel,),
        ),
        v.DownloadRow(
            id="d3",
            title="Evening concerts",
            path="/downloads/d3",
            state="partial",
            state_label="Partly done",
            progress=replace(quiet, fraction=1.0),
            art=art("b4"),
            source="Video site",
            items=(4, 6),
            size=402_000_000,
            created_at=NOW - DAY,
            reason="2 items are private.",
        ),
        v.DownloadRow(
            id="d4",
            title="Knots for beginners",
            path="/downloads/d4",
            state="done",
            state_label="Done",
            progress=replace(quiet, fraction=1.0),
            art=art("b5"),
            source="Video site",
            size=92_000_000,
            created_at=NOW - 2 * DAY,
        ),
    )


def preview() -> v.PreviewView:
    form = v.Form(
        id="submit",
        path="/downloads",
        submit="Download",
        groups=(
            v.FieldGroup(
                fields=(
                    v.Field(
                        name="quality",
                        label="Quality",
                        kind="select",
                        value="1080",
                        choices=tuple(v.Choice(label=q, value=q[:-1]) for q in ("2160p", "1080p", "720p")),
                        help="The best up to this height.",
                    ),
                    v.Field(
                        name="container",
                        label="File",
                        kind="radio",
                        value="mp4",
                        choices=tuple(v.Choice(label=c, value=c) for c in ("mp4", "mkv", "webm", "mp3")),
                    ),
                    v.Field(
                        name="subtitles",
                        label="Subtitles",
                        kind="toggle",
                        value="true",
                        help="Where the site has them.",
                    ),
                    v.Field(
                        name="collection",
                        label="Collection in Plex",
                        value="Harbour walks",
                        help="Shared as Plex shares the library.",
                    ),
                )
            ),
        ),
    )
    items = tuple(
        v.PreviewItem(
            id=str(n),
            title=t,
            art=art(f"b{n}"),
            duration=240 + n * 31,
            size=40_000_000 * n,
            problem="Private" if n == 4 else "",
            have=n == 2,
        )
        for n, t in enumerate(
            ("Morning at the quay", "Ferry crossing at dusk", "Nets and knots", "The breakwater", "Gulls"), 1
        )
    )
    return v.PreviewView(
        url="http://127.0.0.1:9/playlist?list=1", title="Harbour walks", kind="playlist", kind_label="Playlist", form=form, author="Quay Films", art=art("b2"), items=items, total_items=7, hidden=2, duration=2100, size=640_000_000, notes=("1 item is private and is left out.",),
    )  # fmt: skip


def downloads() -> v.DownloadsView:
    return v.DownloadsView(
        inspect_path="/fragments/inspect", sites=("youtube.com",), tabs=(v.Choice(label="Mine", value="mine", path="/downloads", current=True, count=4), v.Choice(label="Everyone's", value="all", path="/downloads?all=1", count=9)),
        rows=download_rows(), quota=v.Quota(left=3, limit=5),
    )  # fmt: skip


def downloads_preview() -> v.DownloadsView:
    return replace(downloads(), url="http://127.0.0.1:9/playlist?list=1", preview=preview())


def downloads_empty() -> v.DownloadsView:
    return replace(
        downloads(), rows=(), quota=v.Quota(left=0, limit=5, next_at=NOW + 1200), notice="Downloads are paused: less than 5 GB is free.",
        state=v.TileState(kind="empty", title="No downloads yet", text="Paste a link above. You see what stands behind it before anything is fetched.", icon="download"),
    )  # fmt: skip


def download() -> v.DownloadView:
    row = download_rows()[0]
    states: tuple[tuple[v.DownloadState, str], ...] = (
        ("done", "Done"),
        ("done", "Done"),
        ("running", "Running"),
        ("queued", "Waiting"),
        ("failed", "Failed"),
    )
    items = tuple(
        v.DownloadItem(
            id=str(n),
            title=(
                "Morning at the quay",
                "Nets and knots",
                "Ferry crossing at dusk",
                "Gulls",
                "The breakwater",
            )[n],
            state=s,
            state_label=label,
            progress=v.Progress(live=f"download/d1/{n}", fraction=0.7, rate=4_200_000, left=31),
            art=art(f"b{n + 2}"),
            duration=271,
            size=84_000_000,
            reason="This video is private." if s == "failed" else "",
            file_name="Harbour walks/Morning at the quay.mp4" if s == "done" else "",
            play=v.Action(label="Play", path="/downloads/d1?play=0", icon="play") if s == "done" else None,
            save=v.Action(label="Save to this device", path="/downloads/d1/files/0", icon="download")
            if s == "done"
            else None,
        )
        for n, (s, label) in enumerate(states)
    )
    return v.DownloadView(
        row=row,
        items=items,
        filing=(
            v.Step(label="Files in place", state="done", at=NOW - 60),
            v.Step(label="Plex is looking at the folder", state="current"),
            v.Step(label="Collection", state="ahead"),
        ),
        facts=(
            v.Fact(label="Quality", value="up to 1080p, mp4"),
            v.Fact(label="Asked", value=NOW - 400, kind="age"),
        ),
    )


def subscriptions() -> SubscriptionsView:
    row = SubscriptionRow(
        name="Harbour walks",
        path="/downloads/subscriptions/1",
        notes=("every 6 hours", "up to 30 minutes", "keeps the newest 10"),
        due_at=NOW + HOUR,
        newest_at=NOW - DAY,
        error="The site does not answer.",
        badge=v.Badge(text="Not working", tone="error"),
        actions=(v.Action(label="Look now", path="/x", method="post", icon="refresh-cw"),),
    )
    return SubscriptionsView(rows=(row,), add=v.Action(label="Subscribe", path="/x", icon="plus"))


def subscription() -> SubscriptionView:
    title = v.Field(name="title", label="Title", help="Text that is part of it, or a pattern with * and ?.")
    return SubscriptionView(
        title="Harbour walks",
        form=v.Form(id="subscription", path="/x", submit="Save", groups=(v.FieldGroup(fields=(title,)),)),
    )


def leaving() -> LeavingView:
    return LeavingView(
        title="Sign in with House",
        text="You are being taken to House, and back here once you have signed in there.",
        # It leads there by itself: to a place on the same page, so that the sample can be looked at.
        link="#there",
        label="Go to House",
        back_path="/sign-in/cancel",
        back_label="Back to all ways to sign in",
    )
