"""What mail programs show that can show more than text: both parts say the same, nothing is loaded, nothing of others is code."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from medianest_core.domain.notify.wording import MOST, Wording
from medianest_core.sdk.notify import Message, Notifier
from medianest_core.web.portal import i18n
from tests.integration.notify.conftest import PUBLIC, Bench, page_of, text_of
from tests.integration.notify.test_mail import arrived, code_in, confirmed


class Seen(HTMLParser):
    """What stands in a page: its tags, where they lead, and what they would load."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self.lang = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in ("src", "href", "background", "srcset"):
                self.loads.append(value or "")
            elif name == "lang":
                self.lang = value or ""

    def handle_data(self, data: str) -> None:
        self.text += data


def sound(page: str) -> Seen:
    """Nothing to load, nothing that runs, light and dark."""
    seen = Seen(page)
    assert not seen.loads and not seen.tags & {"script", "img", "link", "iframe", "form"}
    assert "url(" not in page and "prefers-color-scheme: dark" in page and 'content="light dark"' in page
    return seen


async def test_a_notification_is_a_page_too(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    await confirmed(bench, ann.user.id)
    await bench.tell(ann.user.id, title='<img src="https://evil.example/x">')
    await bench.ended(ann.user.id, "sent")
    ((_, message),) = bench.mail.got
    seen = sound(page_of(message))
    assert '<img src="https://evil.example/x">' in seen.text and "You can watch it now." in seen.text
    stop = message["List-Unsubscribe"].strip("<>")
    assert seen.links == [f"{PUBLIC}/requests/r1", stop] and "Open in MediaNest" in seen.text
    assert stop not in seen.text and stop in text_of(message)


async def test_a_code_stands_out(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    await bench.outside.channels.add(ann.user.id, await bench.with_mail(), "ann@example.org")
    await bench.until(lambda: arrived(bench, 1))
    ((_, message),) = bench.mail.got
    seen = sound(page_of(message))
    assert re.search(rf'class="text code"[^>]*>{code_in(bench)}<', page_of(message))
    assert "Ann wants to get notifications" in seen.text and not seen.links


async def test_a_summary_in_german_names_each_with_its_link(bench: Bench) -> None:
    instance = await bench.with_mail()
    wording = Wording(i18n.told, PUBLIC, lambda: "Kino & Co")
    rows: list[Any] = [
        {"kind": "request.available", "params": {"title": f"Film {number}"}, "link": f"/requests/r{number}"}
        for number in range(MOST + 2)
    ]
    made = wording.several(rows, "de", "stop", "same", False)
    await bench.gate.services.host.instances.get(Notifier, instance).api.send("ann@example.org", made)  # type: ignore[type-abstract]  # a key, not made
    ((_, message),) = bench.mail.got
    seen = sound(page_of(message))
    assert seen.lang == "de" and "Kino & Co" in seen.text and "In Kino & Co öffnen" in seen.text
    assert seen.links == [
        *(f"{PUBLIC}/requests/r{number}" for number in range(MOST)),
        f"{PUBLIC}/notifications",
        f"{PUBLIC}/unsubscribe/stop",
    ]
    for text in (seen.text, text_of(message)):
        assert text.count("Film ") == MOST and made.more in text and "2" in made.more
    assert message["Content-Language"] == "de"


async def test_what_has_no_address_outside_has_no_links(bench: Bench) -> None:
    instance = await bench.with_mail()
    made = Wording().one(
        {"kind": "request.available", "params": {"title": "Heat"}, "link": None}, "en", "", "x", False
    )
    plain = Message("Only a title", "")
    handle = bench.gate.services.host.instances.get(Notifier, instance)  # type: ignore[type-abstract]  # a key, not made
    for message in (made, plain):
        await handle.api.send("ann@example.org", message)
    first, second = (sound(page_of(message)) for _, message in bench.mail.got)
    assert not first.links and "Heat" in first.text
    assert second.text.count("Only a title") == 2, "in its head and as its heading"
