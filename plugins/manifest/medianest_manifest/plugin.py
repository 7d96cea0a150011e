"""Manifest: films and series of plain web servers that publish a list of what they hold."""

from __future__ import annotations

from medianest_core.sdk import (
    N_,
    Contributions,
    Manifest,
    MediaSources,
    StatusProviders,
    hookimpl,
)

manifest = Manifest(
    "manifest",
    title=N_("Manifest"),
    api="1.0",
    description=N_("Films and series of any web server that publishes a list of its files."),
    icon="folder-open",
)


@hookimpl
def register_media_sources() -> MediaSources:
    from medianest_manifest.media import ManifestMedia

    return [ManifestMedia]


@hookimpl
def register_status_providers() -> StatusProviders:
    from medianest_manifest.status import ManifestStatus

    return [ManifestStatus]


@hookimpl
def register_contributions() -> Contributions:
    from medianest_manifest.commands import MAKE

    return [MAKE]
