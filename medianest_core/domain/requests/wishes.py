"""A wish, what of it is still wanted beside what is there or on its way, and what tells it from others."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from medianest_core.base.texts import N_
from medianest_core.domain.requests.kinds import MediaTypes
from medianest_core.sdk.errors import UserError
from medianest_core.sdk.requests import RequestItem

MOST_PARTS = 500
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._/-]{0,100}")
_PROVIDER = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._~/=+%-]{0,599}")


@dataclass(frozen=True, slots=True)
class Wish:
    """What someone asks for.

    kind: a media type. ids: of the title, for seasons and episodes of their show; provider → id. seasons, episodes: of a show; none:
    all of it. variant: "" or "4k". image: id for the portal's image route, or None. profile_id: None for the usual one. options: for
    the backend, from admins only. for_user: account it is for; None: oneself. comment: the first of its thread. sizes: season → its
    number of episodes, where that is known.
    """

    kind: str
    ids: Mapping[str, str]
    title: str
    year: int | None = None
    image: str | None = None
    seasons: Sequence[int] = ()
    episodes: Sequence[tuple[int, int]] = ()
    variant: str = ""
    profile_id: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    for_user: str | None = None
    comment: str = ""
    sizes: Mapping[int, int] = field(default_factory=dict)

    def item(self) -> RequestItem:
        return RequestItem(
            self.kind,
            dict(self.ids),
            self.title,
            self.year,
            tuple(self.seasons),
            tuple(self.episodes),
            self.variant,
            dict(self.options),
        )


@dataclass(frozen=True, slots=True)
class Parts:
    """Seasons and episodes of a show; neither: the whole title."""

    seasons: frozenset[int] = frozenset()
    episodes: frozenset[tuple[int, int]] = frozenset()

    @property
    def whole(self) -> bool:
        return not self.seasons and not self.episodes

    def without(self, others: Iterable[Parts]) -> Parts | None:
        """What is left where the others are taken away; None: nothing. A whole title is only covered by a whole one."""
        others = list(others)
        if any(one.whole for one in others):
            return None
        if self.whole:
            return self
        seasons = self.seasons.difference(*(one.seasons for one in others))
        taken = frozenset[int]().union(*(one.seasons for one in others))
        episodes = frozenset(one for one in self.episodes if one[0] not in taken).difference(
            *(one.episodes for one in others)
        )
        return Parts(seasons, episodes) if seasons or episodes else None

    def meets(self, other: Parts) -> bool:
        """Whether both ask for something of the same."""
        if self.whole or other.whole or self.seasons & other.seasons or self.episodes & other.episodes:
            return True
        pairs = ((self, other), (other, self))
        return any(season in one.seasons for one, two in pairs for season, _ in two.episodes)


def parts_of(seasons: Iterable[int], episodes: Iterable[Sequence[int]]) -> Parts:
    return Parts(frozenset(seasons), frozenset((one[0], one[1]) for one in episodes))


def checked(wish: Wish, types: MediaTypes) -> Wish:
    """The wish in its plain form. Raises UserError with the field that is wrong."""
    kind = types.get(wish.kind)
    if kind is None or not kind.requestable:
        raise UserError(N_("This kind of title cannot be requested."), "kind")
    title = wish.title.strip()
    if not title or len(title) > 500:
        raise UserError(N_("A title is needed."), "title")
    ids = {str(name): str(value) for name, value in wish.ids.items() if value}
    if not ids or len(ids) > 10:
        raise UserError(N_("It must be known by an id of a catalog."), "ids")
    for name, value in ids.items():
        if not _PROVIDER.fullmatch(name) or not _ID.fullmatch(value):
            raise UserError(N_("This is no id of a catalog."), "ids")
    if wish.image is not None and (not _IMAGE.fullmatch(wish.image) or ".." in wish.image):
        raise UserError(N_("This is no image of the portal."), "image")
    if not re.fullmatch(r"[a-z0-9_-]{0,20}", wish.variant):
        raise UserError(N_("There is no such variant."), "variant")
    if len(wish.seasons) + len(wish.episodes) > MOST_PARTS:
        raise UserError(N_("These are too many at once."), "seasons")
    if any(not 0 <= number < 10_000 for number in wish.seasons):
        raise UserError(N_("There is no such season."), "seasons")
    if any(not 0 <= season < 10_000 or not 0 <= number < 100_000 for season, number in wish.episodes):
        raise UserError(N_("There is no such episode."), "episodes")
    show = types.root(wish.kind) == "show"
    if (wish.seasons or wish.episodes) and not show:
        raise UserError(N_("Only shows have seasons and episodes."), "seasons")
    if wish.kind == "season" and not wish.seasons:
        raise UserError(N_("Choose a season."), "seasons")
    if wish.kind == "episode" and not wish.episodes:
        raise UserError(N_("Choose an episode."), "episodes")
    return replace(
        wish,
        kind=_kind(wish.kind, wish.seasons, wish.episodes) if show else wish.kind,
        ids=ids,
        title=title,
        seasons=tuple(sorted(set(wish.seasons))),
        episodes=tuple(
            sorted({(season, one) for season, one in wish.episodes if season not in set(wish.seasons)})
        ),
    )


def narrowed(wish: Wish, parts: Parts) -> Wish:
    """The same for less of it."""
    if parts.whole:
        return wish
    seasons, episodes = tuple(sorted(parts.seasons)), tuple(sorted(parts.episodes))
    return replace(wish, kind=_kind(wish.kind, seasons, episodes), seasons=seasons, episodes=episodes)


def _kind(kind: str, seasons: Collection[int], episodes: Collection[object]) -> str:
    if seasons:
        return "season"
    return "episode" if episodes else kind


def open_key(wish: Wish, root_kind: str) -> str:
    """Equal for wishes for the same by the same ids; holds while one of them is open. Wishes that share only some ids are found by those."""
    provider, value = min(wish.ids.items())
    seasons = ",".join(str(one) for one in wish.seasons)
    episodes = ",".join(f"{season}x{number}" for season, number in wish.episodes)
    return f"{root_kind}|{wish.variant}|{provider}:{value}|{seasons}|{episodes}"
