"""What of wanted titles the library has already, on any server: one look for many at once, by their external ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import and_, or_, select

from medianest_core.domain.requests.wishes import Parts
from medianest_core.store.engine import Tx
from medianest_core.store.tables.library import title_ids, titles

T = TypeVar("T")
_AT_ONCE = 200
_FOUR_K = 2160


@dataclass(frozen=True, slots=True)
class Sought:
    """A title to look for. mark: the caller's own name for it."""

    mark: str
    root_kind: str
    ids: Mapping[str, str]
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Holding:
    """title_id: of the library. seasons: of a show, number → the episodes that are there."""

    title_id: int
    seasons: Mapping[int, frozenset[int]] = field(default_factory=dict)

    def has(self, wanted: Parts, sizes: Mapping[int, int]) -> Parts | None:
        """Which of the wanted parts are there in full. A season is, where all of the episodes it has by `sizes` are; where that is not
        known, one is enough. Nothing of it: None."""
        if wanted.whole:
            known = [number for number in sizes if number > 0]
            full = not known or all(self._full(number, sizes) for number in known)
            return Parts() if full else None
        seasons = frozenset(one for one in wanted.seasons if self._full(one, sizes))
        episodes = frozenset(one for one in wanted.episodes if one[1] in self.seasons.get(one[0], ()))
        return Parts(seasons, episodes) if seasons or episodes else None

    def begun(self, wanted: Parts) -> bool:
        """Whether at least something of the wanted is there."""
        if wanted.whole:
            return True
        return any(self.seasons.get(one) for one in wanted.seasons) or any(
            number in self.seasons.get(season, ()) for season, number in wanted.episodes
        )

    def _full(self, season: int, sizes: Mapping[int, int]) -> bool:
        return len(self.seasons.get(season, ())) >= max(1, sizes.get(season, 1))


async def held(tx: Tx, sought: Sequence[Sought]) -> dict[str, Holding]:
    """mark → what is there, of those that the library has. In the variant "4k" only what is that fine counts; of other variants the
    library knows nothing."""
    tops = await _titles(tx, [one for one in sought if one.variant in ("", "4k")])
    episodes = await _episodes(tx, {title for one, title, _ in tops if one.root_kind == "show"})
    found: dict[str, Holding] = {}
    for one, title, quality in tops:
        fine = one.variant == "4k"
        if one.root_kind != "show":
            if not fine or quality >= _FOUR_K:
                found[one.mark] = Holding(title)
            continue
        seasons: dict[int, set[int]] = defaultdict(set)
        for season, number, height in episodes.get(title, ()):
            if not fine or height >= _FOUR_K:
                seasons[season].add(number)
        if seasons or not fine:
            found[one.mark] = Holding(title, {key: frozenset(value) for key, value in seasons.items()})
    return found


async def _titles(tx: Tx, sought: Sequence[Sought]) -> list[tuple[Sought, int, int]]:
    """(what was sought, its title's id, quality) of each that is there; of several titles the finest."""
    by_id: dict[tuple[str, str, str], list[Sought]] = defaultdict(list)
    for one in sought:
        for name, value in one.ids.items():
            by_id[one.root_kind, name, value].append(one)
    found: dict[str, tuple[Sought, int, int]] = {}
    for chunk in _chunks(list(by_id)):
        same = (
            and_(title_ids.c.kind == kind, title_ids.c.provider == name, title_ids.c.value == value)
            for kind, name, value in chunk
        )
        rows = await tx.all(
            select(title_ids, titles.c.quality)
            .join(titles, titles.c.id == title_ids.c.title_id)
            .where(or_(*same))
        )
        for row in rows:
            for one in by_id[row["kind"], row["provider"], row["value"]]:
                known = found.get(one.mark)
                if known is None or (row["quality"], -row["title_id"]) > (known[2], -known[1]):
                    found[one.mark] = (one, row["title_id"], row["quality"])
    return list(found.values())


async def _episodes(tx: Tx, shows: Iterable[int]) -> dict[int, list[tuple[int, int, int]]]:
    """show → (season, episode, quality) of all that are there."""
    season, episode = titles.alias("season"), titles.alias("episode")
    found: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for chunk in _chunks(sorted(shows)):
        rows = await tx.execute(
            select(season.c.parent_id, season.c.item_index, episode.c.item_index, episode.c.quality)
            .join(episode, episode.c.parent_id == season.c.id)
            .where(season.c.parent_id.in_(chunk), season.c.item_index.is_not(None))
        )
        for show, number, index, quality in rows:
            if index is not None:
                found[show].append((number, index, quality))
    return found


def _chunks(items: Sequence[T]) -> Iterable[Sequence[T]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]
