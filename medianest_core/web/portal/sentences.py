"""Sentences with values in them, recognised by their form so that they can be told in another language.

What the domains, the host and plugins say (`N_("{place} did not answer in time.").format(place=place)`) is kept, logged and sent
as plain English. Where a person reads it, the message it was made of is found again among the catalogue's messages with
`{placeholders}`, the values are taken out of it, and the translation is filled with them. Decision record 0005 says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
TOLD = frozenset({"reason", "who"})
"""Placeholders that hold a sentence, or what we call something; what stands there is told in the other language too."""
LONGEST = 600
"""Characters of a text that are looked at; nothing that the portal says is longer."""
_LEAST = 6
"""Letters that a message has to have beside its placeholders: fewer would recognise anything."""


@dataclass(frozen=True, slots=True)
class Told:
    """A translation and the values that belong into it."""

    translation: str
    values: Mapping[str, str]

    def fill(self, tell: Callable[[str], str]) -> str:
        """The sentence. tell: puts what is a text of ours itself into the other language."""
        told = {name: tell(value) if name in TOLD else value for name, value in self.values.items()}
        return PLACEHOLDER.sub(lambda match: told.get(match[1], match[0]), self.translation)


class Sentences:
    """The messages with placeholders of one catalogue, longest first, so that the most precise one is taken."""

    def __init__(self, messages: Mapping[str, str]) -> None:
        """messages: English text to translation."""
        usable = [one for one in messages if PLACEHOLDER.search(one) and _letters(one) >= _LEAST]
        self._forms = [
            (_form(one), messages[one]) for one in sorted(usable, key=lambda one: (-_letters(one), one))
        ]

    def find(self, text: str) -> Told | None:
        """What the text was made of, or None."""
        if len(text) > LONGEST:
            return None
        for form, translation in self._forms:
            if (match := form.fullmatch(text)) is not None:
                return Told(translation, match.groupdict())
        return None


def _letters(message: str) -> int:
    return sum(sign.isalpha() for sign in PLACEHOLDER.sub("", message))


def _form(message: str) -> re.Pattern[str]:
    parts: list[str] = []
    end, known = 0, set[str]()
    for match in PLACEHOLDER.finditer(message):
        parts.append(re.escape(message[end : match.start()]))
        # A name used twice stands for the same value.
        parts.append(f"(?P={match[1]})" if match[1] in known else f"(?P<{match[1]}>.+?)")
        known.add(match[1])
        end = match.end()
    parts.append(re.escape(message[end:]))
    return re.compile("".join(parts), re.DOTALL)
