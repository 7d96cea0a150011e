"""A service whose accounts sign in with name and password has a form of its own on the sign-in page."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from medianest_core.base.settings import AppSettings
from medianest_core.host.discovery import discover
from medianest_core.web.portal.app import Portal
from tests.integration.conftest import opened

HTML = {"accept": "text/html"}
DOOR = """
from medianest_core.sdk import AuthFlow, AuthProvider, Challenge, Identity, Manifest, NotReady, ServiceSettings, ServiceType
from medianest_core.sdk import CheckResult, SignInDenied, hookimpl

async def check(settings, client):
    return CheckResult("There.")

class Door(AuthProvider):
    service = ServiceType("door", ServiceSettings, title="Door", check=check)
    title = "Door"
    flows = (AuthFlow.FORM,)

    async def begin(self, flow, *, return_url):
        return Challenge({}, 60.0)

    async def complete(self, state, form):
        if form["password"] == "away":
            raise NotReady("The door does not answer.")
        if form["password"] != "sesame":
            raise SignInDenied("The door stays shut.")
        return Identity("7", form["username"])

manifest = Manifest("door", title="Door", api="1.0")

@hookimpl
def register_auth_providers():
    return [Door]
"""


async def test_each_form_leads_to_its_own_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [one.name for one in discover().found if not one.builtin]
    site = tmp_path / "site"
    info = site / "test_door-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "door_plugin.py").write_text(DOOR)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: test-door\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[medianest.plugins.v1]\ndoor = door_plugin\n")
    monkeypatch.delitem(sys.modules, "door_plugin", raising=False)
    monkeypatch.syspath_prepend(str(site))
    settings = AppSettings(data_dir=tmp_path / "portal", plugins_disabled=others, _env_file=None)
    async with opened(settings) as gate:
        instances = gate.services.host.instances
        await instances.create("door", "door", "door", "Front door", {}, None)
        await instances.settle(60)
        await gate.services.accounts.setup.add_admin("root", "a long enough password")
        gate.serve(Portal(gate.services).routes())
        async with gate.client(headers=HTML) as browser:
            page = (await browser.get("/sign-in")).text
            assert "Sign in with a password" in page and "Sign in with Door" in page
            (method,) = re.findall(r'name="method" value="([^"]+)"', page)
            said = {"username": "kim", "method": method}
            wrong = await browser.post("/sign-in/local", data={**said, "password": "open up"})
            assert wrong.status_code == 422 and "The door stays shut." in wrong.text
            away = await browser.post("/sign-in/local", data={**said, "password": "away"})
            assert away.status_code == 503 and "The door does not answer." in away.text
            right = await browser.post("/sign-in/local", data={**said, "password": "sesame"})
            assert right.status_code == 303 and "mn" in right.cookies
        async with gate.client(headers=HTML) as browser:
            own = {"username": "root", "password": "a long enough password"}
            assert (await browser.post("/sign-in/local", data=own)).status_code == 303
            gone = await browser.post("/sign-in/local", data={**own, "method": "nobody:form"})
            assert gone.status_code == 404
