"""TMDB: what is known of films and series in the world."""

from __future__ import annotations

from medianest_core.sdk import Manifest, StatusProviders, hookimpl

manifest = Manifest(
    "tmdb",
    title="TMDB",
    api="1.0",
    description="Connects to The Movie Database and shows whether it answers.",
    homepage="https://www.themoviedb.org/",
    icon="database",
)


@hookimpl
def register_status_providers() -> StatusProviders:
    from medianest_tmdb.status import TmdbStatus

    return [TmdbStatus]
