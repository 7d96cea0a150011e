"""What the plugin brings."""

from __future__ import annotations

from medianest_core.sdk import FieldOwners, Manifest, hookimpl
from medianest_omdb.fields import OmdbFields

manifest = Manifest(
    "omdb",
    title="OMDb",
    api="1.0",
    description="Adds plots, ratings and people from OMDb to titles with an IMDb id.",
    homepage="https://www.omdbapi.com",
    icon="database",
)


@hookimpl
def register_field_owners() -> FieldOwners:
    return [OmdbFields]
