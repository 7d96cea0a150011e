"""The admin's pages about webhooks, as a browser asks for them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from medianest_core.domain.webhooks.subscriptions import Wanted
from medianest_core.web.inbound.routes import routes as inbound
from medianest_core.web.portal.app import Portal

GOOD = {"x-toy": "right-key"}


@pytest.fixture
async def admin(toy_gate: Any) -> Any:
    services = toy_gate.services
    toy_gate.serve([*inbound(), *Portal(services).routes()])
    await services.webhooks.start()
    person = await toy_gate.person("admin", role="admin")
    yield person.client
    await services.webhooks.stop()


async def text(client: Any, path: str) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return str(answer.text)


async def test_from_an_address_to_a_replay(toy_gate: Any, admin: Any) -> None:
    assert "My toy" in await text(admin, "/admin/webhooks")
    assert f"/admin/webhooks/in/{toy_gate.toy}" in await text(admin, f"/admin/services/{toy_gate.toy}")
    page = await text(admin, f"/admin/webhooks/in/{toy_gate.toy}")
    path = re.search(r'id="address">([^<]+)<', page)
    assert path is not None and "MEDIANEST_PUBLIC_URL" in page
    async with toy_gate.client(origin=None) as service:
        body = {"topic": "library.changed", "secret": "right-key"}
        assert (await service.post(path[1], headers=GOOD, json=body)).status_code == 202
        await service.post(path[1], headers=GOOD, json={"topic": None})
    log = await text(admin, "/admin/webhooks/log")
    (first, second) = re.findall(r'href="(/admin/webhooks/log/[^"]+)"', log)
    assert "told us something" in log
    only = await text(admin, f"/admin/webhooks/log?status=ignored&service={toy_gate.toy}")
    assert re.findall(r'href="(/admin/webhooks/log/[^"]+)"', only) == [first]
    detail = await text(admin, second)
    assert "library.changed" in detail and "right-key" not in detail
    replayed = await admin.post(f"{second}/replay")
    assert replayed.status_code == 303
    assert "library.changed" in await text(admin, replayed.headers["location"])

    rotated = await admin.post(f"/admin/webhooks/in/{toy_gate.toy}/rotate")
    assert rotated.status_code == 303
    assert path[1] not in await text(admin, f"/admin/webhooks/in/{toy_gate.toy}")


async def test_a_subscription_from_making_it_to_removing_it(toy_gate: Any, admin: Any) -> None:
    form = {"name": "Lights", "url": "http://hub.home/in?key=word", "events": ["request:update"]}
    wrong = await admin.post("/admin/webhooks/out/add", data={**form, "url": "hub"})
    assert wrong.status_code == 422 and "https://" in wrong.text
    made = await admin.post("/admin/webhooks/out/add", data={**form, "verify_tls": ["false", "true"]})
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", made.text)
    assert made.status_code == 200 and secret is not None
    (one,) = await toy_gate.services.webhooks.subscriptions.all()
    path = f"/admin/webhooks/out/{one.id}"
    page = await text(admin, path)
    assert secret[0] not in page and "hub.home" in page
    assert (await admin.post(f"{path}/test")).status_code == 303
    assert "A test" in await text(admin, path)
    stale = {**form, "name": "Lamps", "version": str(one.version)}
    assert (await admin.post(path, data=stale)).status_code == 303
    assert (await admin.post(path, data=stale)).status_code == 409
    for verb in ("pause", "resume", "off", "resume"):
        assert (await admin.post(f"{path}/{verb}")).status_code == 303, verb
    assert "whsec_" in (await admin.post(f"{path}/secret")).text
    assert (await admin.post(f"{path}/remove")).status_code == 303
    assert await toy_gate.services.webhooks.subscriptions.all() == []


async def test_long_lists_go_on(toy_gate: Any, admin: Any) -> None:
    hooks = toy_gate.services.webhooks
    made, _ = await hooks.subscriptions.create(Wanted("Many", ["system:alert"], "http://hub.home/"), None)
    for _ in range(31):
        await hooks.sender.test(made.id, None)
    page = await text(admin, f"/admin/webhooks/out/{made.id}")
    following = re.search(r'hx-get="([^"]*cursor[^"]*)"', page)
    assert following is not None
    more = await admin.get(following[1].replace("&amp;", "&"), headers={"hx-request": "true"})
    assert more.text.count("data-swap") == 1
