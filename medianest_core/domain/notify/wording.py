"""The words that leave the portal, in the reader's language: one notification, a summary of several, a code, a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from medianest_core.base.texts import N_
from medianest_core.domain.notify.channel import Row
from medianest_core.domain.notify.kinds import Kind, kind_of
from medianest_core.sdk.notify import Message, MessageItem

Translate = Callable[[str, str], str]
"""(locale, English text) → text."""
MOST = 30
"""Notifications that a summary names; it counts the others."""
_TITLE, _BODY = 200, 2000


class _Blank(dict[str, Any]):
    """Placeholders without a value stay empty."""

    def __missing__(self, key: str) -> str:
        return ""


class Wording:
    """public_url: where the portal is reached from outside; without it messages carry no links. site: the portal's name."""

    def __init__(
        self,
        translate: Translate = lambda locale, message: message,
        public_url: str | None = None,
        site: Callable[[], str] = lambda: "MediaNest",
    ) -> None:
        self._translate = translate
        self._base = (public_url or "").rstrip("/")
        self._site = site

    @property
    def links(self) -> bool:
        """Whether messages can carry links."""
        return bool(self._base)

    def told(self, kind: Kind, params: Mapping[str, Any], locale: str) -> tuple[str, str]:
        """(title, body) of a notification."""
        shown = {
            name: self._translate(locale, value)
            if name in kind.sentences and isinstance(value, str)
            else value
            for name, value in params.items()
        }
        return self.words(kind.title, locale, shown), self.words(kind.body, locale, shown)

    def words(self, text: str, locale: str, params: Mapping[str, Any] | None = None) -> str:
        return (self._translate(locale, text) if text else "").format_map(_Blank(params or {}))

    def one(self, row: Row, locale: str, stop: str, identifier: str, urgent: bool) -> Message:
        """row: a notification. stop: token that ends the channel."""
        title, body = self.told(kind_of(row["kind"]), cast("Mapping[str, Any]", row["params"]), locale)
        return self._message(title, body, row["link"] or "/notifications", locale, stop, identifier, urgent)

    def several(self, rows: Sequence[Row], locale: str, stop: str, identifier: str, urgent: bool) -> Message:
        """One message that tells all of them, oldest first."""
        if len(rows) == 1:
            return self.one(rows[0], locale, stop, identifier, urgent)
        items = []
        for row in rows[:MOST]:
            title, body = self.told(kind_of(row["kind"]), cast("Mapping[str, Any]", row["params"]), locale)
            link = str(row["link"] or "")
            url = f"{self._base}{link}" if self._base and link else ""
            items.append(MessageItem(_line(title)[:_TITLE], _line(body)[:_BODY], url))
        lines = [f"• {one.title}" + (f": {one.body}" if one.body else "") for one in items]
        more = ""
        if len(rows) > MOST:
            more = self.words(N_("… and {count} more."), locale, {"count": len(rows) - MOST})
            lines.append(more)
        title = self.words(N_("{count} news from {site}"), locale, {"count": len(rows), "site": self._site()})
        text = "\n".join(lines)
        made = self._message(title, text, "/notifications", locale, stop, identifier, urgent, most=8000)
        return replace(made, items=tuple(items), more=more)

    def code(self, code: str, name: str, locale: str, identifier: str) -> Message:
        """name: of the person who entered the address."""
        values = {"code": code, "name": name, "site": self._site()}
        return Message(
            title=self.words(N_("{code} is your code for {site}"), locale, values),
            body=self.words(
                N_(
                    "{name} wants to get notifications of {site} here. To allow it, enter the code {code} there within"
                    " an hour.\n\nIf that was not you, do nothing: nothing else will be sent."
                ),
                locale,
                values,
            ),
            id=identifier,
            locale=locale,
            site=self._site(),
            code=code,
        )

    def test(self, locale: str, stop: str, identifier: str) -> Message:
        return self._message(
            self.words(N_("It works"), locale),
            self.words(
                N_("This is a test. Notifications of {site} arrive here."), locale, {"site": self._site()}
            ),
            "/notifications",
            locale,
            stop,
            identifier,
            False,
        )

    def _message(
        self,
        title: str,
        body: str,
        path: str,
        locale: str,
        stop: str,
        identifier: str,
        urgent: bool,
        *,
        most: int = _BODY,
    ) -> Message:
        end = f"{self._base}/unsubscribe/{stop}" if self._base else None
        notes = [
            self.words(N_("You get this because you chose so at {site}."), locale, {"site": self._site()})
        ]
        if end:
            notes.append(self.words(N_("To end it: {link}"), locale, {"link": end}))
        return Message(
            title=_line(title)[:_TITLE],
            body=body[:most],
            url=f"{self._base}{path}" if self._base else None,
            path=path,
            id=identifier,
            notes=tuple(notes),
            unsubscribe_url=end,
            urgent=urgent,
            locale=locale,
            site=self._site(),
            link_title=self.words(N_("Open in {site}"), locale, {"site": self._site()}),
        )


def _line(text: str) -> str:
    return " ".join(text.split())
