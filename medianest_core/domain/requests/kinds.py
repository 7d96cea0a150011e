"""Media types: what can be asked for, and which title the ids of a part belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from medianest_core.base.texts import N_
from medianest_core.sdk.pipeline import MediaType

BUILTIN = (
    MediaType("movie", N_("Movie"), N_("Movies"), "film"),
    MediaType("show", N_("Show"), N_("Shows"), "tv"),
    MediaType("season", N_("Season"), N_("Seasons"), "tv", parent="show"),
    MediaType("episode", N_("Episode"), N_("Episodes"), "tv", parent="season"),
)
PARTS = ("season", "episode")


class MediaTypes:
    """The core's media types and those that plugins contribute; one of the core's is never replaced."""

    def __init__(self, contributed: Callable[[], Iterable[MediaType]] = lambda: ()) -> None:
        self._contributed = contributed

    def all(self) -> Mapping[str, MediaType]:
        """name → media type."""
        known = {one.name: one for one in BUILTIN}
        for one in self._contributed():
            known.setdefault(one.name, one)
        return known

    def get(self, name: str) -> MediaType | None:
        return self.all().get(name)

    @staticmethod
    def root(name: str) -> str:
        """The kind of the title whose ids a request carries: "show" for a season or an episode, else itself."""
        return "show" if name in PARTS else name
