"""Sentences with values: recognised whatever stands in them, told anew, and never taken for something else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import medianest_core
from medianest_core.web.portal import i18n, messages
from medianest_core.web.portal.i18n import use_locale
from medianest_core.web.portal.sentences import LONGEST, PLACEHOLDER, Sentences

CORE = Path(medianest_core.__file__).parent
WORDS = st.text("abcdefghijk lmnop0123456789:/-.äß{}%\n", min_size=1, max_size=30)


@given(place=WORDS)
def test_whatever_stands_in_a_sentence_is_kept(place: str) -> None:
    with use_locale("de"):
        told = i18n.gettext(f"{place} did not answer in time.")
    assert told == f"{place} hat nicht rechtzeitig geantwortet."


def test_a_reason_within_a_sentence_is_told_too() -> None:
    with use_locale("de"):
        told = i18n.gettext("Plex is not available: No connection to plex.home:32400.")
        assert told == "Plex ist nicht erreichbar: Keine Verbindung zu plex.home:32400."
        assert (
            i18n.gettext("Plex is not available: Switched off.")
            == "Plex ist nicht erreichbar: Ausgeschaltet."
        )


def test_values_are_not_translated() -> None:
    """A film may be called "Welcome"."""
    with use_locale("de"):
        assert i18n.gettext("Welcome has no collections.") == "Welcome hat keine Sammlungen."


@given(st.text(max_size=200))
def test_other_texts_stay_as_they_are_in_english(text: str) -> None:
    assert i18n.gettext(text) == text


@pytest.mark.parametrize("text", ["", "Something nobody wrote.", "x" * (LONGEST + 1), "{place}", "100 %"])
def test_unknown_text_comes_back(text: str) -> None:
    with use_locale("de"):
        assert i18n.gettext(text) == text


def test_the_most_precise_message_wins() -> None:
    found = Sentences(
        {"{name} is not here.": "A {name}", "{name} is not here. Look {where}.": "B {where} {name}"}
    )
    told = found.find("Bob is not here. Look there.")
    assert told is not None
    assert told.fill(str) == "B there Bob"


def test_a_message_of_hardly_more_than_values_recognises_nothing() -> None:
    assert Sentences({"{title}: {reason}": "{title}: {reason}"}).find("one: two") is None


def test_placeholders_carry_no_format_and_are_kept_by_translations() -> None:
    """Values come back as text, so a format could not be applied to them; a lost one would lose what happened."""
    seen, wrong = 0, []
    # What is not in there, `test_everything_is_translated` names.
    for message in messages.load(i18n.FOLDER / "de" / "LC_MESSAGES" / "medianest.po", "de"):
        if not isinstance(message.id, str) or "{" not in message.id or not message.string:
            continue
        seen += 1
        names, told = PLACEHOLDER.findall(message.id), PLACEHOLDER.findall(str(message.string))
        if message.id.count("{") != len(names) or sorted(set(names)) != sorted(set(told)):
            wrong.append(message.id)
    assert wrong == [] and seen > 100


def test_no_error_for_people_is_put_together_where_no_catalogue_can_know_it() -> None:
    """An f-string is in no catalogue: use `N_("… {name} …").format(name=…)`."""
    wrong = []
    for file in sorted(CORE.rglob("*.py")):
        if {"testing", "cli"} & set(file.relative_to(CORE).parts):
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in messages.ERRORS and any(isinstance(one, ast.JoinedStr) for one in node.args):
                wrong.append(f"{file.relative_to(CORE)}:{node.lineno}")
    assert wrong == []
