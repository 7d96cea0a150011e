"""Arranging cards: every card stays, keeps its place, and moves by what was asked."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.accounts.home import Arrangement


@dataclass(frozen=True)
class Card:
    id: str


CARDS = [Card(name) for name in "abcdef"]
NAMES = st.sampled_from([card.id for card in CARDS] + ["gone"])
ORDERS = st.lists(st.sampled_from("abcdefxyz"), unique=True).map(tuple)


def names(chosen: Arrangement) -> str:
    return "".join(card.id for card in chosen.sorted(CARDS))


@given(ORDERS, NAMES, st.integers(-9, 9))
def test_moving_loses_no_card_and_keeps_the_others_in_order(
    order: tuple[str, ...], name: str, by: int
) -> None:
    before = Arrangement(order)
    after = before.moved(CARDS, name, by)
    assert sorted(names(after)) == sorted(names(before))
    assert names(after).replace(name, "") == names(before).replace(name, "")
    if name != "gone":
        at, room = names(before).index(name), len(CARDS) - 1
        assert names(after).index(name) == max(0, min(room, at + by))


@given(ORDERS, NAMES, st.integers(-9, 9))
def test_cards_of_plugins_that_are_off_are_remembered(order: tuple[str, ...], name: str, by: int) -> None:
    after = Arrangement(order).moved(CARDS, name, by)
    assert set(order) <= set(after.order)


@given(ORDERS, st.sets(st.sampled_from("abcdef")))
def test_hidden_cards_are_not_shown_and_come_back(order: tuple[str, ...], hidden: set[str]) -> None:
    chosen = Arrangement(order)
    for name in hidden:
        chosen = chosen.switched(name)
    assert {card.id for card in chosen.shown(CARDS)} == set("abcdef") - hidden
    for name in hidden:
        chosen = chosen.switched(name)
    assert chosen == Arrangement(order)


def test_new_cards_stand_behind_in_their_own_order() -> None:
    assert names(Arrangement(("d", "b"))) == "dbacef"
