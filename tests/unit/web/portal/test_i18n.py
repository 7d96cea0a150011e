"""Languages: negotiation, catalogues of the core and of plugins, completeness."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.web.portal import i18n, messages
from medianest_core.web.portal.i18n import LANGUAGES, Catalogues, negotiate, use_locale, use_plugin


@pytest.mark.parametrize(
    ("preferred", "cookie", "accept", "expected"),
    [
        ("de", "en", "en", "de"),
        (None, "de", "en", "de"),
        (None, None, "de-AT,de;q=0.9,en;q=0.8", "de"),
        (None, None, "fr,en;q=0.5,de;q=0.7", "de"),
        (None, None, "de;q=0,en", "en"),
        (None, None, None, "en"),
        ("fr", "xx", "ja", "en"),
        ("../../etc", "de_DE", "", "de"),
        (None, None, "de;q=oops,*", "en"),
    ],
)
def test_negotiate(preferred: str | None, cookie: str | None, accept: str | None, expected: str) -> None:
    assert negotiate(preferred, cookie, accept) == expected


@given(st.none() | st.text(), st.none() | st.text(), st.none() | st.text())
def test_negotiate_always_answers_a_known_language(
    preferred: str | None, cookie: str | None, accept: str | None
) -> None:
    assert negotiate(preferred, cookie, accept) in LANGUAGES


def test_translates_and_counts() -> None:
    with use_locale("de"):
        assert i18n.gettext("Library") == "Mediathek"
        assert i18n.ngettext("%(num)s collection", "%(num)s collections", 2) == "%(num)s Sammlungen"
        assert i18n.gettext("") == ""
    assert i18n.gettext("Library") == "Library"


def test_unknown_locale_speaks_english() -> None:
    with use_locale("xx"):
        assert i18n.current_locale() == "en"


def write(folder: Path, locale: str, domain: str, text: str) -> Path:
    po = folder / locale / "LC_MESSAGES" / f"{domain}.po"
    po.parent.mkdir(parents=True, exist_ok=True)
    po.write_text(
        f'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n{text}', encoding="utf-8"
    )
    return po


def test_plugin_catalogue_first_then_the_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "de", "hello", 'msgid "Library"\nmsgstr "Bücherei"\n')
    found = Catalogues()
    found.add("hello", tmp_path)
    monkeypatch.setattr(i18n, "catalogues", found)
    with use_locale("de"):
        assert i18n.gettext("Library") == "Mediathek"
        with use_plugin("hello"):
            assert i18n.gettext("Library") == "Bücherei"
            assert i18n.gettext("Downloads") == "Downloads"
            assert i18n.gettext("Users") == "Personen"
    found.remove("hello")
    with use_locale("de", "hello"):
        assert i18n.gettext("Library") == "Mediathek"


def test_a_stale_compiled_catalogue_is_not_used(tmp_path: Path) -> None:
    import hatch_build

    po = write(tmp_path, "de", "medianest", 'msgid "A"\nmsgstr "alt"\n')
    hatch_build.compile_catalogues(tmp_path)
    assert po.with_suffix(".mo").is_file()
    write(tmp_path, "de", "medianest", 'msgid "A"\nmsgstr "neu"\n')
    os.utime(po.with_suffix(".mo"), (1, 1))
    loaded = i18n.load_catalogue(po)
    assert loaded is not None
    assert loaded.gettext("A") == "neu"
    hatch_build.compile_catalogues(tmp_path)
    po.unlink()
    compiled = i18n.load_catalogue(po)
    assert compiled is not None
    assert compiled.gettext("A") == "neu"


def test_everything_is_translated() -> None:
    """Run `python -m medianest_core.web.portal.messages` and fill in what it names."""
    assert messages.missing(messages.gather()) == []


def test_an_untranslated_message_is_found(tmp_path: Path) -> None:
    template = messages.gather(tmp_path)
    template.add("Something new")
    messages.update(template, tmp_path, "x")
    assert messages.missing(template, tmp_path, "x") == ["de: Something new"]


@pytest.mark.parametrize("plugin", ["manifest", "plex", "tmdb"])
def test_what_plugins_mark_is_translated(plugin: str) -> None:
    """`messages.gather` and `messages.update` keep a plugin's catalogue as they keep the core's."""
    package = i18n.FOLDER.parents[3] / "plugins" / plugin / f"medianest_{plugin}"
    assert messages.missing(messages.gather(package), package / "locale", plugin, ("de",)) == []


def test_a_plugins_sentences_are_told_on_pages_of_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Catalogues()
    found.add("plex", i18n.FOLDER.parents[3] / "plugins" / "plex" / "medianest_plex" / "locale")
    monkeypatch.setattr(i18n, "catalogues", found)
    with use_locale("de"):
        assert (
            i18n.gettext("The Plex server refused the token.") == "Der Plex-Server hat das Token abgelehnt."
        )
        told = i18n.gettext("Home is not available: Plex's account service answered with error 502.")
        assert told == "Home ist nicht erreichbar: Der Kontodienst von Plex antwortete mit Fehler 502."
        found.remove("plex")
        assert i18n.gettext("The Plex server refused the token.") == "The Plex server refused the token."
