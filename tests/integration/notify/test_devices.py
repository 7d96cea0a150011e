"""Web push and Apprise: what really arrives, opened with the keys of the device; addresses that may not be reached; and secrets."""

from __future__ import annotations

import base64
import json
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from medianest_core.base.redact import redact
from medianest_core.sdk.errors import NotFound, NotReady, Rejected, UserError
from tests.integration.notify.conftest import Bench, WebServer


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Device:
    """A browser's part of a push subscription."""

    def __init__(self, web: WebServer, path: str = "/push/1") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = b"0123456789abcdef"
        public = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.subscription = json.dumps(
            {
                "endpoint": f"http://127.0.0.1:{web.port}{path}",
                "expirationTime": None,
                "keys": {"p256dh": text(public), "auth": text(self._auth)},
            }
        )

    def open(self, content: bytes) -> dict[str, Any]:
        clear = http_ece.decrypt(content, private_key=self._key, auth_secret=self._auth)
        found: dict[str, Any] = json.loads(clear)
        return found


async def with_push(bench: Bench) -> str:
    return await bench.set_up(
        "webpush",
        "push",
        {"contact": "admin@example.org", "services_at_home": [f"127.0.0.1:{bench.web.port}"]},
    )


async def test_only_the_device_can_read_what_is_pushed_and_knows_who_sent_it(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    instance, device = await with_push(bench), Device(bench.web)
    await bench.outside.channels.add(ann.user.id, instance, device.subscription, "Phone")
    (kind,) = await bench.outside.channels.kinds()
    assert kind.browser and len(base64.urlsafe_b64decode(kind.browser_key + "=")) == 65
    await bench.tell(ann.user.id)
    await bench.ended(ann.user.id, "sent")
    ((path, headers, content),) = bench.web.got
    assert path == "/push/1" and b"Heat" not in content
    told = device.open(content)
    assert (told["title"], told["path"]) == ("“Heat” is here", "/requests/r1") and told["tag"]
    assert headers["content-encoding"] == "aes128gcm" and headers["ttl"] and len(headers["topic"]) == 32
    assert Vapid02.verify(headers["authorization"])
    assert headers["authorization"].endswith(f"k={kind.browser_key}")
    claims = headers["authorization"].partition("t=")[2].split(".")[1]
    claimed = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert (
        claimed["aud"] == f"http://127.0.0.1:{bench.web.port}"
        and claimed["sub"] == "mailto:admin@example.org"
    )


async def test_the_key_stays_when_settings_are_saved_again(bench: Bench) -> None:
    instance = await with_push(bench)
    (before,) = await bench.outside.channels.kinds()
    instances = bench.gate.services.host.instances
    assert before.browser_key not in json.dumps(instances.form_values(instance))
    await instances.update(
        instance, {"contact": "mailto:else@example.org"}, instances.info(instance).version, None
    )
    await instances.settle(60)
    (after,) = await bench.outside.channels.kinds()
    assert after.browser_key == before.browser_key


async def test_a_device_that_is_gone_is_switched_off(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    instance, device = await with_push(bench), Device(bench.web)
    channel = await bench.outside.channels.add(ann.user.id, instance, device.subscription)
    bench.web.status = 410
    await bench.tell(ann.user.id)
    await bench.ended(ann.user.id, "failed")
    found = await bench.outside.channels.one(ann.user.id, channel.id)
    assert not found.enabled and "Add it again there" in found.reason
    # The same browser comes back.
    bench.web.status = 201
    again = await bench.outside.channels.add(ann.user.id, instance, device.subscription)
    assert again.id == channel.id and again.enabled
    bench.web.status = 410
    with pytest.raises(NotFound):
        await bench.outside.channels.test(ann.user.id, channel.id, "en")


async def test_subscriptions_are_looked_at(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    instance, good = await with_push(bench), json.loads(Device(bench.web).subscription)
    for wrong in (
        "",
        "[]",
        "null",
        json.dumps({**good, "endpoint": "http://push.example.org/x"}),
        json.dumps({**good, "endpoint": "file:///etc/passwd"}),
        json.dumps({**good, "endpoint": "https://user@push.example.org/x"}),
        json.dumps({**good, "keys": {"p256dh": "AAAA", "auth": "AAAA"}}),
        json.dumps({**good, "keys": {}}),
    ):
        with pytest.raises(UserError):
            await bench.outside.channels.add(ann.user.id, instance, wrong)
    # Keys of the right length that are no point of the curve.
    bad = {**good, "keys": {**good["keys"], "p256dh": text(b"\x04" + b"\xff" * 64)}}
    channel = await bench.outside.channels.add(ann.user.id, instance, json.dumps(bad))
    with pytest.raises(Rejected):
        await bench.outside.channels.test(ann.user.id, channel.id, "en")


async def test_push_reaches_no_place_of_the_house_that_nobody_named(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    instance = await bench.set_up("webpush", "push", {"contact": "admin@example.org"})
    channel = await bench.outside.channels.add(ann.user.id, instance, Device(bench.web).subscription)
    await bench.tell(ann.user.id)
    await bench.ended(ann.user.id, "failed")
    assert bench.web.got == [] and channel.shown == "127.0.0.1"


async def test_apprise_carries_it_and_its_address_stays_secret(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    instance = await bench.set_up("apprise", "apprise", {"hosts_at_home": [f"127.0.0.1:{bench.web.port}"]})
    address = f"json://ann:tops3cretword@127.0.0.1:{bench.web.port}/hook"
    channel = await bench.outside.channels.add(ann.user.id, instance, address)
    assert channel.shown == "JSON (json://…)" and "tops3cret" not in redact(f"it failed: {address}")
    bench.web.status = 200
    await bench.tell(ann.user.id)
    await bench.ended(ann.user.id, "sent")
    ((path, headers, content),) = bench.web.got
    told = json.loads(content)
    assert (
        path == "/hook"
        and told["title"] == "“Heat” is here"
        and "portal.example.org/requests/r1" in told["message"]
    )
    assert headers["authorization"].startswith("Basic ")
    bench.web.status = 404
    with pytest.raises(Rejected, match="404"):
        await bench.outside.channels.test(ann.user.id, channel.id, "en")


async def test_apprise_reaches_no_place_of_the_house_that_nobody_named(bench: Bench) -> None:
    ann = await bench.gate.person("Ann")
    instance = await bench.set_up("apprise", "apprise", {})
    channels = bench.outside.channels
    channel = await channels.add(ann.user.id, instance, f"json://127.0.0.1:{bench.web.port}/hook")
    with pytest.raises((Rejected, NotReady)):
        await channels.test(ann.user.id, channel.id, "en")
    assert bench.web.got == []
    for wrong in (
        "syslog://",
        "mailto://user:pass@example.org",
        "dbus://",
        "ntfys://ntfy.sh/topic?filename=/etc/passwd",
        "tgram://token/chat?template=/etc/passwd",
        "json://host/ path",
        "https://example.org",
        "nonsense",
    ):
        with pytest.raises(UserError):
            await channels.add(ann.user.id, instance, wrong)
