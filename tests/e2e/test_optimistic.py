"""Buttons of requests answer at once, and take it back where the server refuses; what changes elsewhere is seen without a reload."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.conftest import Demo, eventually
from tests.e2e.conftest import NewPage
from tests.e2e.steps import sign_in_admin, sign_in_member

pytestmark = [pytest.mark.browser, pytest.mark.full, pytest.mark.timeout(300)]
REASON = "Somebody else was faster."
PATIENCE = 60_000


def ask(page: Page, demo: Demo, method: str, path: str, body: object = None) -> object:
    answer = page.request.fetch(
        f"{demo.url}/api/v1{path}", method=method, data=body, headers={"Origin": demo.url}
    )
    assert answer.ok, answer.text()
    return answer.json() if answer.body() else None


class Refusing:
    """Lets the page wait for an answer, which then is a refusal."""

    def __init__(self, page: Page, path: str) -> None:
        self._page = page
        self.waiting: list[Route] = []
        page.route(re.compile(path), lambda route: self.waiting.append(route))

    def asked(self) -> None:
        """Wait until the request, which the page shows before it is sent, has been sent."""
        eventually(lambda: self._page.evaluate("1") and self.waiting, what="the request is on its way")

    def refuse(self) -> None:
        self.asked()
        problem = json.dumps({"title": "Conflict", "status": 409, "detail": REASON})
        for one in self.waiting:
            one.fulfill(status=409, content_type="application/problem+json", body=problem)


def test_what_is_refused_is_taken_back(demo: Demo, new_page: NewPage) -> None:
    admin, member = new_page(), new_page()
    sign_in_admin(admin, demo)
    sign_in_member(member, admin, demo, "casey")
    wish = {"kind": "movie", "ids": {"tmdb": "4242421"}, "title": "The Paper Kite", "year": 2001}
    made = ask(member, demo, "POST", "/requests", wish)
    assert isinstance(made, dict)
    name = str(made["request"]["id"])
    row = admin.locator(f"#request-{name}")

    # An admin approves in the list.
    admin.goto(f"{demo.url}/requests?state=waiting")
    refusing = Refusing(admin, f"/requests/{name}/approve$")
    row.get_by_role("button", name="Approve").click()
    expect(row.locator("[data-state]")).to_have_text("Approved")
    refusing.asked()
    row.locator("form[action$='/approve']").evaluate("form => form.requestSubmit()")
    admin.wait_for_timeout(200)
    assert len(refusing.waiting) == 1, "what is on its way is not sent twice"
    refusing.refuse()
    expect(row.locator("[data-state]")).to_have_text("Waiting for approval")
    expect(admin.get_by_text(REASON)).to_be_visible()

    # The member withdraws it on its own page.
    member.goto(f"{demo.url}/requests/{name}")
    refusing = Refusing(member, f"/requests/{name}/cancel$")
    member.get_by_role("button", name="Cancel the request").click()
    member.locator("#confirm button[type=submit]").click()
    expect(member.locator("#request [data-state]")).to_have_text("Cancelled")
    refusing.refuse()
    expect(member.locator("#request [data-state]")).to_have_text("Waiting for approval")
    member.unroute_all()
    member.get_by_role("button", name="Cancel the request").click()
    member.locator("#confirm button[type=submit]").click()
    # The admin's list of what waits follows by itself.
    expect(row).to_have_count(0, timeout=PATIENCE)
    ask(admin, demo, "DELETE", f"/requests/{name}")

    # Whoever looks at their inbox sees there what an admin decides, and what somebody downloads stands in the list at once.
    made = ask(member, demo, "POST", "/requests", wish)
    assert isinstance(made, dict)
    member.goto(f"{demo.url}/notifications")
    expect(member.locator("[data-live-indicator]").first).to_have_attribute("data-state", "live")
    ask(
        admin,
        demo,
        "POST",
        f"/requests/{made['request']['id']}/decline",
        {"reason": "A kite, of all things."},
    )
    expect(member.locator("#notices")).to_contain_text("A kite, of all things.", timeout=PATIENCE)
    ask(admin, demo, "DELETE", f"/requests/{made['request']['id']}")
    playlist = str(demo.sim("youtube", "/_sim/facts")["mixed_playlist_url"])
    member.goto(f"{demo.url}/downloads")
    expect(member.locator("[data-live-indicator]").first).to_have_attribute("data-state", "live")
    ask(member, demo, "POST", "/downloads", {"url": playlist})
    expect(member.locator("#downloads [data-row]")).to_have_count(1, timeout=PATIENCE)


def test_a_titles_buttons_follow_its_requests(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    sign_in_admin(page, demo)
    found = ask(page, demo, "GET", "/library/titles?kind=movie&limit=20")
    assert isinstance(found, dict)
    for one in found["items"]:
        page.goto(f"{demo.url}/title/{one['id']}")
        if page.get_by_role("link", name="Report a problem").count():
            break
    title = page.url.removeprefix(demo.url)
    detail = ask(page, demo, "GET", f"/library/titles/{title.removeprefix('/title/')}")
    assert isinstance(detail, dict)
    ids = {name: value for name, value in detail["ids"].items() if value}
    name, value = next(iter(ids.items()))

    # Asking on its sheet: at once, and back where it is refused.
    page.goto(f"{demo.url}/discover/movie:{name}:{value}")
    refusing = Refusing(page, "/request$")
    button = page.locator("#request-form button[type=submit]")
    before = button.inner_text()
    button.click()
    expect(button).to_contain_text("Requested")
    refusing.refuse()
    expect(button).to_have_text(before)
    expect(page.get_by_text(REASON)).to_be_visible()

    # Asked for elsewhere: its page in the library says so without a reload.
    page.goto(demo.url + title)
    page.evaluate("document.body.dataset.same = 'yes'")
    wish = {"kind": "movie", "ids": ids, "title": detail["row"]["title"], "variant": "4k"}
    made = ask(page, demo, "POST", "/requests", wish)
    assert isinstance(made, dict)
    link = page.get_by_role("link", name=re.compile("^Your request: "))
    expect(link).to_have_attribute("href", f"/requests/{made['request']['id']}", timeout=PATIENCE)
    ask(page, demo, "DELETE", f"/requests/{made['request']['id']}")
    expect(link).to_have_count(0, timeout=PATIENCE)

    # What is reported is said there too, until it is solved.
    wrong = {
        "kind": "movie",
        "ids": ids,
        "title": detail["row"]["title"],
        "problem": "audio",
        "message": "Hums.",
    }
    report = ask(page, demo, "POST", "/issues", wrong)
    assert isinstance(report, dict)
    link = page.get_by_role("link", name="Your report is open")
    expect(link).to_have_attribute("href", f"/requests/issues/{report['id']}", timeout=PATIENCE)
    ask(page, demo, "POST", f"/issues/{report['id']}/resolve", {})
    expect(link).to_have_count(0, timeout=PATIENCE)
    assert page.evaluate("document.body.dataset.same") == "yes"


def test_a_list_of_requests_keeps_itself_true(demo: Demo, new_page: NewPage) -> None:
    admin, other = new_page(viewport={"width": 390, "height": 640}), new_page()
    sign_in_admin(admin, demo)
    sign_in_admin(other, demo)

    def wish(number: int) -> str:
        title = f"Lanterns {number}"
        body = {"kind": "movie", "ids": {"tmdb": str(4_242_500 + number)}, "title": title, "variant": "4k"}
        made = ask(other, demo, "POST", "/requests", body)
        assert isinstance(made, dict)
        return str(made["request"]["id"])

    # On the tab of what has ended: nothing yet, then those that come to an end.
    made = [wish(number) for number in range(12)]
    admin.goto(f"{demo.url}/requests?state=ended")
    admin.evaluate("document.body.dataset.same = 'yes'")
    expect(admin.locator("[data-live-indicator]").first).to_have_attribute("data-state", "live")
    for one in made[:11]:
        ask(other, demo, "POST", f"/requests/{one}/cancel", {})
    row = admin.locator(f"#request-{made[3]}")
    expect(row).to_be_attached(timeout=PATIENCE)
    expect(admin.locator(f"#request-{made[10]}")).to_be_attached(timeout=PATIENCE)

    # Somebody reads further down, with a row in focus and some words of it selected.
    row.evaluate(
        """row => {
            row.tabIndex = -1;
            row.focus();
            row.scrollIntoView({ block: "center", behavior: "instant" });
            getSelection().selectAllChildren(row.querySelector(".row-title"));
        }"""
    )
    before, words = (
        row.evaluate("row => row.getBoundingClientRect().top"),
        admin.evaluate("`${getSelection()}`"),
    )
    assert admin.evaluate("scrollY") > 100
    ask(other, demo, "POST", f"/requests/{made[11]}/cancel", {})
    expect(admin.locator(f"#request-{made[11]}")).to_be_attached(timeout=PATIENCE)
    assert abs(row.evaluate("row => row.getBoundingClientRect().top") - before) < 2
    assert row.evaluate("row => row === document.activeElement")
    assert words and admin.evaluate("`${getSelection()}`") == words

    # What goes away takes neither the place nor the focus.
    ask(other, demo, "DELETE", f"/requests/{made[11]}")
    expect(admin.locator(f"#request-{made[11]}")).to_have_count(0, timeout=PATIENCE)
    assert abs(row.evaluate("row => row.getBoundingClientRect().top") - before) < 2
    ask(other, demo, "DELETE", f"/requests/{made[3]}")
    expect(row).to_have_count(0, timeout=PATIENCE)
    expect(admin.locator(f"#request-{made[2]}")).to_be_focused()
    for one in (*made[:3], *made[4:11]):
        ask(other, demo, "DELETE", f"/requests/{one}")
    for one in made:
        expect(admin.locator(f"#request-{one}")).to_have_count(0, timeout=PATIENCE)
    assert admin.evaluate("document.body.dataset.same") == "yes"
