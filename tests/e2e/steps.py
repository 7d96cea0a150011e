"""What people do in the portal, as steps that several tests share."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.conftest import Demo, eventually


def open_password_form(page: Page) -> None:
    """Unfold the password form where other ways to sign in stand before it."""
    fold = page.locator("details", has=page.locator("form#password"))
    if fold.count() and fold.get_attribute("open") is None:
        fold.locator("summary").click()


def sign_in_local(page: Page, url: str, username: str, password: str) -> None:
    """Sign in by password and arrive at home."""
    page.goto(f"{url}/sign-in")
    open_password_form(page)
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{url}/")


def sign_in_admin(page: Page, demo: Demo) -> None:
    """Sign in as the demo's admin."""
    sign_in_local(page, demo.url, demo.admin["username"], demo.admin["password"])


def ask_for_code(page: Page, url: str) -> str:
    """Begin a sign-in by code; the page then shows the code, which is returned."""
    page.goto(f"{url}/sign-in")
    page.get_by_role("button", name="Sign in with Plex", exact=True).click()
    page.wait_for_url(f"{url}/sign-in/code")
    code = page.locator("#code-text").text_content()
    assert code
    return code.strip()


def sign_in_plex(page: Page, demo: Demo, user: str) -> None:
    """Sign in by code as a simulated person; arrives at home, or at the page of those who wait."""
    code = ask_for_code(page, demo.url)
    demo.sim("plex", "/_sim/approve", "POST", {"code": code, "user": user})
    page.wait_for_url(lambda url: url in (f"{demo.url}/", f"{demo.url}/pending"), timeout=60_000)


def set_status(admin: Page, demo: Demo, name: str, button: str) -> None:
    """As the admin, press a button in the row of a person on the users page."""
    admin.goto(f"{demo.url}/admin/users")
    row = admin.locator("[id^=user-]", has=admin.get_by_role("link", name=name, exact=True))
    expect(row).to_have_count(1)
    row.get_by_role("button", name=button, exact=True).click()
    expect(row.get_by_role("button", name=button, exact=True)).to_have_count(0)


def forget(admin: Page, demo: Demo, name: str) -> None:
    """As the admin, delete a person's account, so that they are new again."""
    admin.goto(f"{demo.url}/admin/users")
    link = admin.get_by_role("link", name=name, exact=True)
    if not link.count():
        return
    link.click()
    admin.get_by_role("button", name="Delete account").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_role("textbox").fill(name)
    dialog.get_by_role("button", name="Delete account").click()
    admin.wait_for_url(f"{demo.url}/admin/users")
    expect(link).to_have_count(0)


def sign_in_member(page: Page, admin: Page, demo: Demo, user: str) -> None:
    """Sign in as a simulated person whom the signed-in admin lets in where that is still needed."""
    sign_in_plex(page, demo, user)
    if page.url.endswith("/pending"):
        set_status(admin, demo, user, "Approve")
        page.wait_for_url(f"{demo.url}/", timeout=60_000)
    expect(page.locator("[data-live-indicator]")).to_have_attribute("data-state", "live")


def scroll_until(page: Page, posters: int) -> None:
    """Turn the wheel until the endless grid holds so many posters."""
    page.mouse.move(600, 500)

    def turn() -> bool:
        page.mouse.wheel(0, 1500)
        # What did not come in time is asked for again, as a person would.
        if (again := page.locator(".sentinel.failed [data-more]")).count():
            again.first.click()
        return page.locator("#grid a.poster").count() >= posters

    eventually(turn, within=90, what=f"{posters} posters by scrolling")
