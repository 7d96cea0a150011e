"""TMDB: what is known of films and series in the world."""

from __future__ import annotations

from medianest_core.sdk import N_, Catalogs, FieldOwners, Manifest, StatusProviders, hookimpl

manifest = Manifest(
    "tmdb",
    title="TMDB",
    api="1.0",
    description=N_("Search and browse films and series of the whole world, with descriptions and artwork."),
    homepage="https://www.themoviedb.org/",
    icon="database",
)


@hookimpl
def register_catalogs() -> Catalogs:
    from medianest_tmdb.catalog import TmdbCatalog

    return [TmdbCatalog]


@hookimpl
def register_field_owners() -> FieldOwners:
    from medianest_tmdb.fields import TmdbFields

    return [TmdbFields]


@hookimpl
def register_status_providers() -> StatusProviders:
    from medianest_tmdb.status import TmdbStatus

    return [TmdbStatus]
