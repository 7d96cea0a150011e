"""Languages: which one a person reads, and the catalogues of the core and of plugins.

Domain `medianest`, locales `en` and `de`. The current locale and the plugin whose page is being rendered are context
variables; a plugin's catalogue is asked first and falls back to the core's, then to the message itself. A `.mo` file is
used where it is as new as its `.po`, else the `.po` is compiled in memory. A sentence in which values stand already is
recognised by its form and told anew; see `sentences.py`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from .sentences import Sentences

DOMAIN = "medianest"
DEFAULT = "en"
LANGUAGES = {"en": "English", "de": "Deutsch"}
LANGUAGE_COOKIE = "mn_lang"
FOLDER = Path(__file__).parent / "locale"
_REMEMBERED = 4000

_locale: ContextVar[str] = ContextVar("medianest_locale", default=DEFAULT)
_plugin: ContextVar[str | None] = ContextVar("medianest_catalogue", default=None)


class Catalogues:
    """Loaded catalogues of one domain each; `add` registers a plugin's folder (`<locale>/LC_MESSAGES/*.po`)."""

    def __init__(self, core: Path = FOLDER) -> None:
        self._folders: dict[str | None, tuple[Path, str]] = {None: (core, DOMAIN)}
        self._loaded: dict[tuple[str | None, str], NullTranslations] = {}
        self._sentences: dict[tuple[str | None, str], Sentences] = {}
        self._retold: dict[tuple[str | None, str, str], str] = {}

    def add(self, plugin: str, folder: Path, domain: str | None = None) -> None:
        self.remove(plugin)
        self._folders[plugin] = (folder, domain or plugin)

    def remove(self, plugin: str) -> None:
        self._folders.pop(plugin, None)
        for key in [key for key in self._loaded if key[0] == plugin]:
            del self._loaded[key]
            self._sentences.pop(key, None)
        self._retold.clear()

    def find(self, plugin: str | None, locale: str) -> NullTranslations:
        key = (plugin, locale)
        if key not in self._loaded:
            self._loaded[key] = self._load(plugin, locale)
        return self._loaded[key]

    def retell(self, plugin: str | None, locale: str, text: str) -> str:
        """An English text that is no message as it stands, in the language: the values in it are found and filled in anew.

        Asks the plugin's catalogue, the core's and then those of all plugins, because a plugin's reason is also shown on pages
        of the core. Unknown text comes back as it is.
        """
        key = (plugin, locale, text)
        if (known := self._retold.get(key)) is not None:
            return known
        told = text
        for owner in dict.fromkeys((plugin, None, *self._folders)):
            if (exact := self.find(owner, locale).gettext(text)) != text:
                told = exact
                break
            if (found := self._sentences_of(owner, locale).find(text)) is not None:
                told = found.fill(partial(self._reason, owner, locale))
                break
        if len(self._retold) >= _REMEMBERED:
            self._retold.clear()
        self._retold[key] = told
        return told

    def _reason(self, owner: str | None, locale: str, text: str) -> str:
        exact = self.find(owner, locale).gettext(text)
        return exact if exact != text else self.retell(owner, locale, text)

    def _sentences_of(self, owner: str | None, locale: str) -> Sentences:
        key = (owner, locale)
        if key not in self._sentences:
            # What gettext's own class keeps its messages in; plural forms have keys that are no texts.
            messages = vars(self.find(owner, locale)).get("_catalog", {})
            self._sentences[key] = Sentences(
                {one: said for one, said in messages.items() if isinstance(one, str) and one}
            )
        return self._sentences[key]

    def _load(self, plugin: str | None, locale: str) -> NullTranslations:
        entry = self._folders.get(plugin)
        if entry is None:
            return self.find(None, locale)
        folder, domain = entry
        found = load_catalogue(folder / locale / "LC_MESSAGES" / f"{domain}.po")
        if found is None:
            return NullTranslations() if plugin is None else self.find(None, locale)
        if plugin is not None:
            found.add_fallback(self.find(None, locale))
        return found


def load_catalogue(po: Path) -> GNUTranslations | None:
    """The catalogue at `po`, or of the `.mo` beside it when that is not older; None when there is neither."""
    mo = po.with_suffix(".mo")
    if mo.is_file() and (not po.is_file() or mo.stat().st_mtime >= po.stat().st_mtime):
        with mo.open("rb") as stream:
            return GNUTranslations(stream)
    if not po.is_file():
        return None
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with po.open("rb") as stream:
        parsed = read_po(stream, locale=po.parent.parent.name)
    packed = io.BytesIO()
    write_mo(packed, parsed)
    packed.seek(0)
    return GNUTranslations(packed)


catalogues = Catalogues()


def current_locale() -> str:
    """The locale in use, such as `de`."""
    return _locale.get()


def current_plugin() -> str | None:
    """Whose catalogue is asked first; None for the core's."""
    return _plugin.get()


@contextmanager
def use_locale(locale: str, plugin: str | None = None) -> Iterator[None]:
    """Translate into `locale` within the block, asking `plugin`'s catalogue first."""
    first, second = _locale.set(locale if locale in LANGUAGES else DEFAULT), _plugin.set(plugin)
    try:
        yield
    finally:
        _plugin.reset(second)
        _locale.reset(first)


@contextmanager
def use_plugin(plugin: str | None) -> Iterator[None]:
    """Ask `plugin`'s catalogue first within the block; the locale stays."""
    token = _plugin.set(plugin)
    try:
        yield
    finally:
        _plugin.reset(token)


def _translations() -> NullTranslations:
    return catalogues.find(_plugin.get(), _locale.get())


def gettext(message: str) -> str:
    """The message in the reader's language; also a sentence made of one, such as a stored reason or the text of an error."""
    if not message:
        return ""
    found, locale = _translations().gettext(message), _locale.get()
    if found != message or locale == DEFAULT:
        return found
    return catalogues.retell(_plugin.get(), locale, message)


def told(locale: str, message: str) -> str:
    """`gettext` for a reader of that language, outside of a page."""
    with use_locale(locale):
        return gettext(message)


def ngettext(singular: str, plural: str, number: int) -> str:
    return _translations().ngettext(singular, plural, number)


def pgettext(context: str, message: str) -> str:
    return _translations().pgettext(context, message)


def npgettext(context: str, singular: str, plural: str, number: int) -> str:
    return _translations().npgettext(context, singular, plural, number)


def negotiate(preferred: str | None = None, cookie: str | None = None, accept: str | None = None) -> str:
    """The language to speak: the user's own, then the cookie's, then the best of an Accept-Language header, then English."""
    for wish in (preferred, cookie):
        if wish and (known := _known(wish)):
            return known
    for wish in _accepted(accept or ""):
        if known := _known(wish):
            return known
    return DEFAULT


def _known(tag: str) -> str | None:
    language = tag.replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES else None


def _accepted(header: str) -> list[str]:
    ranked: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        tag, _, quality = part.strip().partition(";")
        try:
            weight = float(quality.strip().removeprefix("q=")) if quality else 1.0
        except ValueError:
            continue
        if tag and weight > 0:
            ranked.append((-weight, tag.strip()))
    return [tag for _, tag in sorted(ranked, key=lambda pair: pair[0])]
