"""What the owner thinks of films, also of those that only others hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medianest_core.sdk import MOVIE, FieldOwner, FieldReport, TitleKey
from medianest_shelf.shelf import SHELF, Shelf, ShelfSettings


class ShelfFields(FieldOwner[ShelfSettings, Shelf]):
    service = SHELF

    def fields(self) -> Mapping[str, Sequence[str]]:
        return {MOVIE: ["rating"]}

    async def report(self, keys: Sequence[TitleKey]) -> FieldReport:
        stars = {film.imdb: film.stars for film in self.client.films}
        values = {
            one.id: {"rating": stars[one.ids["imdb"]]}
            for one in keys
            if one.kind == MOVIE and one.ids.get("imdb") in stars
        }
        # All of them were looked at: where the shelf knows nothing of a title, a value it gave before is gone.
        return FieldReport(values, frozenset(one.id for one in keys), complete=True)
