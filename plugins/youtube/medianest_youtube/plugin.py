"""YouTube and more, with yt-dlp: what the plugin brings."""

from __future__ import annotations

from medianest_core.sdk import (
    N_,
    Action,
    Contributions,
    Downloaders,
    Http,
    Manifest,
    PluginContext,
    StatusProviders,
    hookimpl,
)
from medianest_youtube import engine
from medianest_youtube.downloader import YoutubeDownloader
from medianest_youtube.health import YoutubeStatus
from medianest_youtube.update import UPDATE, UpdateArgs, go_back

manifest = Manifest(
    "youtube",
    title="YouTube",
    api="1.0",
    description="Fetches videos, playlists and channels into a library, with yt-dlp.",
    homepage="https://github.com/yt-dlp/yt-dlp",
    icon="monitor-play",
)


class _Portal:
    """The context handed over at start-up; actions are given a client only."""

    context: PluginContext | None = None


@hookimpl
def register_downloaders() -> Downloaders:
    return [YoutubeDownloader]


@hookimpl
def register_status_providers() -> StatusProviders:
    return [YoutubeStatus]


@hookimpl
def register_contributions() -> Contributions:
    return [
        UPDATE,
        Action(
            "update_ytdlp",
            "Update yt-dlp",
            "youtube",
            _start_update,
            confirm="Fetch the newest yt-dlp and use it from now on?",
            icon="refresh-cw",
        ),
        Action(
            "restore_ytdlp",
            "Go back to the yt-dlp before",
            "youtube",
            _restore,
            confirm="Use the version before this one?",
            icon="undo-2",
        ),
    ]


@hookimpl
async def on_startup(context: PluginContext) -> None:
    engine.use_folder(context.data_dir / "ytdlp")
    _Portal.context = context


async def _start_update(client: Http) -> str:
    if _Portal.context is None:
        return "The portal is still starting."
    await _Portal.context.enqueue(UPDATE, UpdateArgs())
    return "yt-dlp is being updated; the jobs page shows how far it is."


async def _restore(client: Http) -> str:
    place = engine.folder()
    if place is None:
        return "The portal is still starting."
    return N_("yt-dlp {version} is in use.").format(version=go_back(place))
