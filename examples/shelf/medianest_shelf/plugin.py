"""What the plugin brings: two facets of one service."""

from __future__ import annotations

from medianest_core.sdk import FieldOwners, Manifest, MediaSources, hookimpl
from medianest_shelf.fields import ShelfFields
from medianest_shelf.media import ShelfMedia

manifest = Manifest(
    "shelf",
    title="Shelf",
    api="1.0",
    description="A few films that live in the plugin itself, with what their owner thinks of them.",
    icon="library",
)


@hookimpl
def register_media_sources() -> MediaSources:
    return [ShelfMedia]


@hookimpl
def register_field_owners() -> FieldOwners:
    return [ShelfFields]
