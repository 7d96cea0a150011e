"""An order of sources, rank by rank, and what a step does to it. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def moved(ranks: Sequence[Sequence[str]], instance: str, step: str) -> list[list[str]]:
    """The order after one step: "up", "down", "tie" (count like those before it) or "untie" (come right after them). Pure."""
    found = [list(rank) for rank in ranks]
    at = next((number for number, rank in enumerate(found) if instance in rank), None)
    if at is None:
        return found
    alone = len(found[at]) == 1
    if step == "up" and alone and at > 0:
        found[at - 1], found[at] = found[at], found[at - 1]
    elif step == "down" and alone and at < len(found) - 1:
        found[at + 1], found[at] = found[at], found[at + 1]
    elif step == "tie" and alone and at > 0:
        found[at - 1] += found.pop(at)
    elif step in ("untie", "up", "down") and not alone:
        found[at].remove(instance)
        found.insert(at if step == "up" else at + 1, [instance])
    return found


def complete(ranks: Sequence[Sequence[str]], known: Sequence[str]) -> list[list[str]]:
    """The order as it is shown: those it does not name come last, as equals; those that are no longer there are left out."""
    there = set(known)
    found = [kept for rank in ranks if (kept := [one for one in rank if one in there])]
    named = {one for rank in found for one in rank}
    rest = [one for one in known if one not in named]
    return [*found, rest] if rest else found
