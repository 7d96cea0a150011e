"""What the plugin brings."""

from __future__ import annotations

from medianest_core.sdk import Manifest, MediaSources, hookimpl
from medianest_jellyfin_library.media import JellyfinMedia

manifest = Manifest(
    "jellyfin_library",
    title="Jellyfin library",
    api="1.0",
    description="Films and series of a Jellyfin server.",
    homepage="https://jellyfin.org",
    icon="monitor-play",
)


@hookimpl
def register_media_sources() -> MediaSources:
    return [JellyfinMedia]
