"""The story that the portal is for: somebody wishes for a film that no server has, an admin agrees, and in the end it is there to watch.

Told through Seerr, through Radarr alone, and through a Seerr that dies between what it does and what it answers: it is asked for
exactly once, whatever happens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from medianest_core.testing.world.titles import MOVIE, Title, elsewhere
from medianest_overseerr.settings import SeerrSettings
from medianest_overseerr.webhooks import EVERYTHING, TEMPLATE
from tests.conftest import Demo, eventually, start_demo, stop_demo
from tests.e2e.conftest import NewPage
from tests.e2e.steps import sign_in_admin, sign_in_member

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PATIENCE = 60_000
"""Milliseconds; on a machine that may be busy, and once in a minute the services are asked anyway."""
WHO = "casey"
"""Nobody's quota at Seerr ends this person's wishes."""
FILMS = [one for one in elsewhere(MOVIE) if one.year < 2012 and one.title.isascii()]
"""Old enough that the simulated services of a lived-in household have not asked for them yet."""


@dataclass
class Household:
    """A demo, and what its services are called by the portal."""

    demo: Demo
    instances: dict[str, str]

    def ask(self, page: Page, method: str, path: str, body: Any = None) -> Any:
        answer = page.request.fetch(
            f"{self.demo.url}/api/v1{path}", method=method, data=body, headers={"Origin": self.demo.url}
        )
        assert answer.ok, f"{method} {path} → {answer.status} {answer.text()[:300]}"
        return answer.json() if answer.body() else None

    def address(self, admin: Page, service: str) -> str:
        """Where the service is to post its messages."""
        found = self.ask(admin, "POST", f"/services/{self.instances[service]}/webhook")
        return f"{self.demo.url}{found['path']}"

    def takes_films(self, admin: Page, service: str) -> None:
        """From now on requests for films go to this service."""
        for old in self.ask(admin, "GET", "/request-rules/profiles"):
            self.ask(admin, "DELETE", f"/request-rules/profiles/{old['id']}")
        wanted = {
            "name": service,
            "kinds": ["movie"],
            "instance_id": self.instances[service],
            "preferred": True,
        }
        self.ask(admin, "POST", "/request-rules/profiles", wanted)

    def asked_for(self, service: str, film: Title) -> list[dict[str, Any]]:
        """What the service did because of requests for this film."""
        kind = {"seerr": "request.created", "radarr": "movie.added"}[service]
        return [
            one for one in self.demo.ledger(service, kind) if str(one["facts"]["tmdb"]) == film.ids["tmdb"]
        ]

    def arrives(self, film: Title) -> None:
        """The downloaded film is where the media server looks, which tells everybody."""
        guids = [f"{provider}://{value}" for provider, value in film.ids.items()]
        facts = {"title": film.title, "year": film.year, "guids": guids, "summary": film.summary}
        self.demo.sim("plex", "/_sim/items?announce=1", "POST", facts)


@pytest.fixture(scope="module")
def household(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    running = start_demo(
        tmp_path_factory.mktemp("story"), "--items", "40", only=("plex", "tmdb", "seerr", "radarr")
    )
    # What happens behind Seerr happens when the test says so.
    running.sim("seerr", "/_sim/options", "PUT", {"process_seconds": 3600.0, "available_seconds": 0.0})
    yield Household(running, {})
    stop_demo(running)


@pytest.fixture
def people(household: Household, new_page: NewPage) -> tuple[Page, Page]:
    """An admin and a member, signed in."""
    admin, member = new_page(), new_page()
    sign_in_admin(admin, household.demo)
    sign_in_member(member, admin, household.demo, WHO)
    household.instances = {one["service"]: one["id"] for one in household.ask(admin, "GET", "/services")}
    household.demo.sim("plex", "/_sim/webhooks", "PUT", {"urls": [household.address(admin, "plex")]})
    return admin, member


def request(member: Page, household: Household, film: Title) -> str:
    """Search for the film and ask for it; returns the address of the request's page."""
    url = household.demo.url
    link = member.locator("#grid").get_by_role("link", name=film.title).first

    def found() -> bool:
        # A catalog that takes its time is left out of an answer, and is there in a later one.
        member.goto(f"{url}/discover")
        member.get_by_role("searchbox").first.fill(film.title)
        member.keyboard.press("Enter")
        member.wait_for_url(re.compile(r"[?&]q="))
        return link.is_visible()

    eventually(found, what=film.title)
    # Followed, not clicked: the list may be loaded once more for what was typed.
    member.goto(f"{url}{link.get_attribute('href')}")
    expect(member.get_by_role("heading", name=film.title, level=1)).to_be_visible()
    expect(member.get_by_text("Where to watch")).to_have_count(0)
    member.locator("#request-form").get_by_role("button", name=re.compile("Request")).click()
    member.wait_for_url(re.compile(r"/requests/[0-9a-f-]{36}$"))
    return member.url


def badge(page: Page) -> Any:
    return page.locator("#request .page-head .badge").first


def approve(admin: Page, address: str) -> None:
    admin.goto(address)
    admin.locator("#request").get_by_role("button", name="Approve", exact=True).click()
    expect(badge(admin)).not_to_contain_text("Waiting for approval", timeout=PATIENCE)


def is_there(member: Page, household: Household, film: Title) -> None:
    """The person, who looks at the request, sees it, hears of it, and finds the film with the way to its player."""
    expect(badge(member)).to_have_text("Available", timeout=PATIENCE)
    link = member.locator("#request a[href^='/title/']").first
    expect(link).to_be_visible(timeout=PATIENCE)
    title = f"{household.demo.url}{link.get_attribute('href')}"
    member.goto(f"{household.demo.url}/notifications")
    expect(member.get_by_text(f"“{film.title}” is here").first).to_be_visible(timeout=PATIENCE)
    member.goto(title)
    place = member.locator("aside .row", has_text="Living room")
    expect(place).to_be_visible()
    play = place.get_by_role("link").first.get_attribute("href")
    answer = member.request.get(f"{household.demo.url}{play}", max_redirects=0)
    assert "/library/metadata/" in answer.headers["location"].replace("%2F", "/")


def tells_us(household: Household, admin: Page) -> None:
    """Seerr posts its messages to the portal."""
    demo = household.demo
    settings = SeerrSettings.model_validate(
        {"url": demo.simulators["seerr"], "api_key": demo.sim("seerr", "/_sim/facts")["api_key"]}
    )
    agent = {
        "enabled": True,
        "types": EVERYTHING,
        "options": {
            "webhookUrl": household.address(admin, "seerr"),
            "authHeader": settings.message_secret(),
            "jsonPayload": json.dumps(TEMPLATE),
        },
    }
    saved = admin.request.post(
        f"{demo.simulators['seerr']}/api/v1/settings/notifications/webhook",
        data=agent,
        headers={"X-Api-Key": settings.api_key.reveal()},
    )
    assert saved.ok, saved.text()


def test_through_seerr(household: Household, people: tuple[Page, Page]) -> None:
    admin, member = people
    film, demo = FILMS[0], household.demo
    household.takes_films(admin, "seerr")
    tells_us(household, admin)
    address = request(member, household, film)
    expect(badge(member)).to_have_text("Waiting for approval")
    assert household.asked_for("seerr", film) == []
    approve(admin, address)
    expect(badge(member)).to_have_text("On its way", timeout=PATIENCE)
    (made,) = household.asked_for("seerr", film)
    # Seerr knows the person by the Plex account, so it is their request there too.
    assert made["facts"]["user"] == demo.sim("seerr", "/_sim/facts")["users"][WHO]
    demo.sim("seerr", "/_sim/process", "POST", {"request": made["facts"]["id"]})
    household.arrives(film)
    demo.sim("seerr", "/_sim/available", "POST", {"request": made["facts"]["id"]})
    is_there(member, household, film)
    assert len(household.asked_for("seerr", film)) == 1


@pytest.mark.full
def test_through_radarr_alone(household: Household, people: tuple[Page, Page]) -> None:
    """Radarr downloads; nobody tells us but the media server."""
    admin, member = people
    film, demo = FILMS[1], household.demo
    seerr = household.ask(admin, "GET", f"/services/{household.instances['seerr']}")["service"]
    household.ask(
        admin, "PUT", f"/services/{seerr['id']}/enabled", {"enabled": False, "version": seerr["version"]}
    )
    try:
        household.takes_films(admin, "radarr")
        address = request(member, household, film)
        assert household.asked_for("radarr", film) == []
        approve(admin, address)
        expect(badge(member)).to_have_text("On its way", timeout=PATIENCE)
        demo.sim("radarr", "/_sim/advance", "POST", {"seconds": 300})
        assert any(one["facts"]["title"] == film.title for one in demo.ledger("radarr", "imported"))
        household.arrives(film)
        is_there(member, household, film)
        assert len(household.asked_for("radarr", film)) == 1
        assert household.asked_for("seerr", film) == []
    finally:
        seerr = household.ask(admin, "GET", f"/services/{seerr['id']}")["service"]
        household.ask(
            admin, "PUT", f"/services/{seerr['id']}/enabled", {"enabled": True, "version": seerr["version"]}
        )


@pytest.mark.full
def test_the_service_dies_before_it_answers(household: Household, people: tuple[Page, Page]) -> None:
    """It took the request and the connection broke: it is looked for before anything is sent again."""
    admin, member = people
    film, demo = FILMS[2], household.demo
    household.takes_films(admin, "seerr")
    address = request(member, household, film)
    demo.sim("seerr", "/_sim/options", "PUT", {"lost_replies": 1})
    approve(admin, address)
    expect(badge(member)).to_have_text("On its way", timeout=PATIENCE)
    assert demo.sim("seerr", "/_sim/options")["lost_replies"] == 0
    (made,) = household.asked_for("seerr", film)
    household.arrives(film)
    demo.sim("seerr", "/_sim/available", "POST", {"request": made["facts"]["id"]})
    is_there(member, household, film)
    assert len(household.asked_for("seerr", film)) == 1
