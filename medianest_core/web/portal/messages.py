"""The message catalogues: gather every text of the core's code and templates, bring the `.po` files up to date, check them.

`python -m medianest_core.web.portal.messages` updates `locale/*/LC_MESSAGES/medianest.po` and says what still needs a
translation; English is filled in by itself. The same functions serve plugins' catalogues.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from .i18n import DEFAULT, DOMAIN, FOLDER, LANGUAGES

CORE = Path(__file__).resolve().parents[2]
METHODS = [
    ("web/portal/frontend/**", "ignore"),
    ("testing/**", "ignore"),
    ("**.py", "python"),
    ("host/quality.toml", "medianest_core.host.quality:titles"),
    ("**/templates/**.html", "jinja2"),
]
OPTIONS = {"**/templates/**.html": {"trimmed": "true", "silent": "false", "encoding": "utf-8"}}
ERRORS = (
    "AuthFailed",
    "CannotOpen",
    "ChallengeExpired",
    "DatabaseAway",
    "EgressDenied",
    "InvalidResponse",
    "Missing",
    "NotAllowed",
    "NotFound",
    "NotReady",
    "RateLimited",
    "Rejected",
    "RetryLater",
    "SettingsUnreadable",
    "SetupClosed",
    "SignInDenied",
    "TooManyAttempts",
    "UnknownInstance",
    "UnknownPlugin",
    "UnknownService",
    "Unsupported",
    "UserError",
)
KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "N_": None,
    # What the portal's own errors say is translated where it is shown.
    **dict.fromkeys(ERRORS),
    "Problem": (2,),
}


def gather(folder: Path = CORE) -> Catalog:
    """Every message under `folder`, by file but without line numbers, so that moving code changes no catalogue."""
    found = Catalog(project="MediaNest", charset="utf-8")
    for name, _line, message, comments, context in extract_from_dir(
        folder, method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS
    ):
        found.add(message, locations=[(name, 0)], auto_comments=comments, context=context)
    return found


def _target(folder: Path, locale: str, domain: str) -> Path:
    return folder / locale / "LC_MESSAGES" / f"{domain}.po"


def load(po: Path, locale: str) -> Catalog:
    """The catalogue at `po`; an empty one when there is no file."""
    if not po.is_file():
        return Catalog(locale=locale, project="MediaNest", charset="utf-8")
    with po.open("rb") as stream:
        return read_po(stream, locale=locale)


def update(
    template: Catalog,
    folder: Path = FOLDER,
    domain: str = DOMAIN,
    languages: Iterable[str] = tuple(LANGUAGES),
) -> None:
    """Bring each language's `.po` up to `template`; messages no longer used are dropped, English says what the source says."""
    for locale in languages:
        po = _target(folder, locale, domain)
        catalogue = load(po, locale)
        catalogue.update(deepcopy(template), no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        if locale == DEFAULT:
            for message in catalogue:
                if message.id:
                    message.string = message.id
        po.parent.mkdir(parents=True, exist_ok=True)
        with po.open("wb") as stream:
            write_po(stream, catalogue, width=110, include_lineno=False, sort_output=True, omit_header=True)


def missing(
    template: Catalog,
    folder: Path = FOLDER,
    domain: str = DOMAIN,
    languages: Iterable[str] = tuple(LANGUAGES),
) -> list[str]:
    """What is not fully translated, as `de: message`."""
    problems = []
    for locale in languages:
        catalogue = load(_target(folder, locale, domain), locale)
        for message in template:
            if not message.id:
                continue
            there = catalogue.get(message.id, message.context)
            text = there.string if there is not None else ""
            parts = (text,) if isinstance(text, str) else tuple(text or ())
            if not parts or not all(parts) or (there is not None and there.fuzzy):
                problems.append(f"{locale}: {message.id}")
            elif there is not None and (bad := list(there.check(catalogue))):
                problems.append(f"{locale}: {message.id}: {bad[0]}")
    return problems


if __name__ == "__main__":
    gathered = gather()
    update(gathered)
    left = missing(gathered)
    for line in left:
        sys.stderr.write(f"{line}\n")
    sys.exit(1 if left else 0)
