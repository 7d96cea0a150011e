"""Pages on which a person approves a sign-in: plex.tv/link for typed codes, app.plex.tv/auth for the popup."""

from __future__ import annotations

from html import escape
from importlib import resources
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from medianest_plex.simulation.pins import Pin
from medianest_plex.simulation.world import World

_ROLES = {
    "owner": "Owner of the server",
    "shared": "The server is shared with them",
    "managed": "Managed user of the home",
    "stranger": "Has no access to the server",
}


class Approve:
    """Two pages, one form. Nobody signs in here: one chooses which simulated person approves."""

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[BaseRoute]:
        """The pages and their script."""
        return [
            Route("/link", self.link, methods=["GET", "POST"]),
            Route("/link/", self.link, methods=["GET", "POST"]),
            Route("/auth", self.auth, methods=["GET", "POST"]),
            Route("/auth/", self.auth, methods=["GET", "POST"]),
            Route("/auth/approve.js", self.script),
        ]

    async def script(self, request: Request) -> Response:
        text = resources.files("medianest_plex.simulation").joinpath("data", "approve.js").read_text("utf-8")
        return Response(text, media_type="text/javascript")

    async def link(self, request: Request) -> Response:
        form = await request.form() if request.method == "POST" else None
        code = str((form or request.query_params).get("code") or "").strip()
        if form is None:
            return self._page("Link your device", self._code_field(code) + self._people())
        pin = self.world.pins.by_code(code)
        if pin is None or pin.strong:
            note = '<p class="bad" role="alert">That code is not valid, or its time is over.</p>'
            return self._page("Link your device", note + self._code_field(code) + self._people(), 422)
        return self._approve(pin, str(form.get("user") or ""), "link page")

    async def auth(self, request: Request) -> Response:
        """Values come from the query, else the script moves them there from the fragment."""
        form = await request.form() if request.method == "POST" else None
        values = form if form is not None else request.query_params
        code, client = str(values.get("code") or ""), str(values.get("clientID") or "")
        forward = str(values.get("forwardUrl") or "")
        if not code:
            waiting = (
                '<p id="waiting">Nothing to approve: open this page from the sign-in of an application.</p>'
            )
            return self._page("Sign in", waiting + '<script src="/auth/approve.js"></script>')
        pin = self.world.pins.by_code(code)
        if pin is None or pin.client_id != client:
            return self._page(
                "Sign in",
                '<p class="bad" role="alert">This request is unknown, or its time is over.</p>',
                422,
            )
        if form is not None:
            done = self._approve(pin, str(form.get("user") or ""), "popup page", closes=True)
            if pin.token is not None and urlsplit(forward).scheme in ("http", "https"):
                return RedirectResponse(forward, 303)
            return done
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">'
            for name, value in (("code", code), ("clientID", client), ("forwardUrl", forward))
        )
        asks = (
            f"<p><strong>{escape(pin.product)}</strong> would like to sign you in with your Plex account.</p>"
        )
        return self._page("Sign in", asks + hidden + self._people())

    def _approve(self, pin: Pin, user: str, by: str, *, closes: bool = False) -> Response:
        try:
            person = self.world.accounts.find(user)
        except LookupError:
            return self._page(
                "Sign in", '<p class="bad" role="alert">Choose who approves.</p>' + self._people(), 422
            )
        self.world.pins.approve(pin, person)
        self.world.ledger.record("pin.approved", id=pin.id, user=person.username, by=by)
        body = f'<p class="good" role="status">Linked. {escape(pin.product)} is now signed in as <strong>{escape(person.title)}</strong>.</p>'
        body += "<p>You can close this window.</p>"
        if closes:
            body += '<script src="/auth/approve.js" data-close="1"></script>'
        return self._page("All done", body)

    def _code_field(self, code: str) -> str:
        return (
            '<label for="code">Enter the code shown on your device</label>'
            f'<input id="code" name="code" value="{escape(code)}" maxlength="4" autocomplete="off" autocapitalize="characters" '
            'spellcheck="false" required autofocus>'
        )

    def _people(self) -> str:
        buttons = "".join(
            f'<button name="user" value="{person.username}"><b>{escape(person.title)}</b>'
            f"<span>{person.username} · {_ROLES[person.role]}</span></button>"
            for person in self.world.accounts.people
        )
        return f"<fieldset><legend>Approve as</legend>{buttons}</fieldset>"

    def _page(self, title: str, inner: str, status: int = 200) -> Response:
        frame = (
            resources.files("medianest_plex.simulation").joinpath("data", "approve.html").read_text("utf-8")
        )
        text = frame.replace("{title}", escape(title)).replace("{body}", inner)
        return Response(text, status, media_type="text/html")
