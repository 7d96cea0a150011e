"""The service type: how an instance is checked."""

from __future__ import annotations

from medianest_core.sdk.http import Http
from medianest_core.sdk.service import CheckResult, ServiceType
from medianest_youtube import confine, tools
from medianest_youtube.settings import YoutubeSettings


async def check(settings: YoutubeSettings, http: Http) -> CheckResult:
    """Reach the site, and look at the programs. Raises ProviderError when the site cannot be reached."""
    await http.get(site_probe(settings), timeout=6, max_bytes=1024 * 1024)
    box = await tools.look()
    warnings = [f"{tool.name}: {tool.advice}" for tool in needed(box, settings) if tool.advice]
    held = confine.landlock_state()
    if held is not None:
        warnings.append(f"Downloads are not locked in by the system: {held}.")
    details = {tool.name: tool.version or "missing" for tool in box.all()}
    return CheckResult("Ready to download.", box.ytdlp.version or None, details, tuple(warnings))


def site_probe(settings: YoutubeSettings) -> str:
    """An address that answers shortly when the site can be reached."""
    if settings.site_url is not None:
        return str(settings.site_url)
    if settings.only_youtube():
        return "https://www.youtube.com/generate_204"
    return f"https://{settings.sites[0]}/robots.txt"


def needed(box: tools.Toolbox, settings: YoutubeSettings) -> tuple[tools.Tool, ...]:
    """The programs this instance cannot do well without: only YouTube itself needs a JavaScript runtime."""
    return (box.ytdlp, box.ffmpeg) if settings.site_url is not None else box.all()


YOUTUBE: ServiceType[YoutubeSettings, Http] = ServiceType(
    "youtube",
    YoutubeSettings,
    title="YouTube and more",
    icon="monitor-play",
    description="Videos, playlists and channels from YouTube and other sites, with yt-dlp.",
    check=check,
)
