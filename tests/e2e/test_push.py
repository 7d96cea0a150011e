"""Push to this browser: added with one button, shown by the service worker, and a touch leads to the page it is about.

The browser's own push service is on the internet, so subscribing and the last hop are replaced: the subscription leads to a server of
the test, and what arrives there is opened with the device's keys and handed to the service worker as the browser would.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import Error as PlaywrightError

from tests.conftest import Demo, eventually
from tests.e2e.conftest import PATIENCE
from tests.e2e.steps import sign_in_admin

pytestmark = pytest.mark.full

AUTH = b"0123456789abcdef"
SUBSCRIBE = """() => {
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    if (!userVisibleOnly || applicationServerKey.length !== 65) throw new Error("no such key");
    return { toJSON: () => (SUBSCRIPTION) };
  };
}"""
SHOWN = """async () => (await (await navigator.serviceWorker.ready).getNotifications()).map((one) => [one.title, one.tag])"""
TOUCH = """async () => {
  const [notification] = await self.registration.getNotifications();
  const event = new NotificationEvent("notificationclick", { notification });
  self.dispatchEvent(event);
}"""


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture
def service() -> Iterator[tuple[int, list[bytes]]]:
    """The push service: its port, and what it was given."""
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port, got
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(service_workers="allow")
    made.set_default_timeout(PATIENCE)
    yield made
    for one in made.pages:
        one.close()
    made.close()


def api(page: Page, demo: Demo, method: str, path: str, body: object = None) -> Any:
    answer = page.request.fetch(
        f"{demo.url}/api/v1{path}",
        method=method,
        data=None if body is None else json.dumps(body),
        headers={"content-type": "application/json", "origin": demo.url},
    )
    assert answer.ok, answer.text()
    return answer.json() if answer.text() else None


def test_a_device_is_added_told_and_leads_to_the_page(
    context: BrowserContext, demo: Demo, service: tuple[int, list[bytes]]
) -> None:
    port, got = service
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    subscription = {
        "endpoint": f"http://127.0.0.1:{port}/device",
        "keys": {"p256dh": text(public), "auth": text(AUTH)},
    }
    context.grant_permissions(["notifications"], origin=demo.url)
    page = context.new_page()
    sign_in_admin(page, demo)
    settings = {"contact": "admin@example.org", "services_at_home": [f"127.0.0.1:{port}"]}
    made = api(
        page,
        demo,
        "POST",
        "/services",
        {"plugin": "webpush", "service": "push", "title": "", "settings": settings},
    )
    try:

        def key_is_there() -> bool:
            return any(
                one["browser_key"] for one in api(page, demo, "GET", "/notifications/channels")["kinds"]
            )

        eventually(key_is_there, every=1.0)
        page.goto(f"{demo.url}/account/notifications")
        page.wait_for_function("() => navigator.serviceWorker.controller !== null")
        page.evaluate(SUBSCRIBE.replace("SUBSCRIPTION", json.dumps(subscription)))
        page.get_by_role("button", name="Notify on this device").click()
        row = page.locator("[id^=channel-]")
        expect(row).to_contain_text("Chrome, Linux")
        row.get_by_role("button", name="Send a test").click()
        expect(page.get_by_text("A test message was handed over.")).to_be_visible()
        clear = http_ece.decrypt(got[-1], private_key=key, auth_secret=AUTH).decode()

        tools = context.new_cdp_session(page)
        registered: list[str] = []
        tools.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda told: registered.extend(
                one["registrationId"] for one in told["registrations"] if one["scopeURL"].startswith(demo.url)
            ),
        )
        tools.send("ServiceWorker.enable")
        eventually(lambda: page.evaluate("1") and registered)
        for _ in range(2):
            # Twice the same is shown once.
            tools.send(
                "ServiceWorker.deliverPushMessage",
                {"origin": demo.url, "registrationId": registered[-1], "data": clear},
            )
        eventually(lambda: page.evaluate(SHOWN), what="a notification of the device")
        assert page.evaluate(SHOWN) == [["It works", json.loads(clear)["tag"]]]
        context.service_workers[0].evaluate(TOUCH)
        # Where the browser lets no worker open a window without a real touch, the notification is taken away all the same.
        eventually(lambda: _shown(page) == [], what="the notification is closed")
    finally:
        version = api(page, demo, "GET", f"/services/{made['id']}")["service"]["version"]
        api(page, demo, "DELETE", f"/services/{made['id']}?version={version}")


def _shown(page: Page) -> Any:
    """The notifications of the device; None in the moment in which the page goes where one of them leads."""
    try:
        return page.evaluate(SHOWN)
    except PlaywrightError as error:
        assert "navigation" in str(error)
        return None
