"""A message as a page for mail programs: the portal's look, light and dark, without anything that would have to be loaded."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from medianest_core.sdk import Message


@cache
def _template() -> Template:
    places = PackageLoader("medianest_core.builtin.email")
    return Environment(loader=places, autoescape=True, undefined=StrictUndefined).get_template("message.html")


def page(message: Message) -> str:
    """The HTML of a message; its text part says the same."""
    paragraphs = [part for part in message.body.split("\n\n") if part.strip()]
    notes = [_note(text, message.unsubscribe_url) for text in message.notes]
    return _template().render(message=message, paragraphs=paragraphs, notes=notes)


def _note(text: str, link: str | None) -> tuple[str, str]:
    """(what is shown, where it leads): a long address is no reading matter."""
    if not link or link not in text:
        return text, ""
    return text.replace(link, "").strip().rstrip(":").strip() or link, link
