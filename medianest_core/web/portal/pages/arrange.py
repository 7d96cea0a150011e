"""Home → arrange: the order of the cards, and which of them are hidden. Buttons alone, so that it works with any keyboard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.domain.accounts.home import Arrangement
from medianest_core.sdk.permissions import USER
from medianest_core.store.errors import Stale
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Action, ArrangeView, Card, CardRow

PATH = "/home/arrange"
Cards = Callable[[Request], Awaitable[Sequence[Card]]]


class ArrangePages:
    """Handlers of the page. cards: all that the person may have on their home page, in the portal's order."""

    def __init__(self, frame: Frame, cards: Cards) -> None:
        self._frame = frame
        self._cards = cards

    def routes(self) -> list[BaseRoute]:
        return [
            page(PATH, self.arrange, methods=("GET", "POST"), policy=USER),
            page(f"{PATH}/reset", self.reset, methods=("POST",), policy=USER),
        ]

    async def arrange(self, request: Request) -> Response:
        home, person = services_of(request).accounts.home, someone(request)
        chosen, cards = await home.of(person.id), await self._cards(request)
        if request.method == "POST":
            form = await request.form()
            name, step = str(form.get("card", "")), str(form.get("step", ""))
            fresh = _changed(chosen, cards, name, step)
            if fresh is chosen or name not in {card.id for card in cards}:
                return self._frame.go(request, PATH)
            seen = whole(form.get("version"))
            try:
                if seen is not None and seen != chosen.version:
                    raise Stale({"version": chosen.version})
                await home.save(person.id, fresh)
            except Stale:
                told = _("You arranged your cards in another window. This is how they are now.")
                return self._frame.go(request, PATH, message=told)
            return self._frame.go(request, f"{PATH}#card-{name}")
        with use_viewer(self._frame.view(request)):
            view = _view(chosen, cards)
        return await self._frame.page(request, "core/arrange.html", view)

    async def reset(self, request: Request) -> Response:
        await services_of(request).accounts.home.forget(someone(request).id)
        return self._frame.go(request, PATH, message=_("Your home page is as it was at first."))


def _changed(chosen: Arrangement, cards: Sequence[Card], name: str, step: str) -> Arrangement:
    if step == "up":
        return chosen.moved(cards, name, -1)
    if step == "down":
        return chosen.moved(cards, name, 1)
    if step == "switch":
        return chosen.switched(name)
    return chosen


def _view(chosen: Arrangement, cards: Sequence[Card]) -> ArrangeView:
    placed, rows = chosen.sorted(cards), []
    for number, card in enumerate(placed):
        hidden = card.id in chosen.hidden
        steps = [
            ("up", _("Move up"), "arrow-up", number == 0),
            ("down", _("Move down"), "arrow-down", number == len(placed) - 1),
            ("switch", _("Show") if hidden else _("Hide"), "eye" if hidden else "eye-off", False),
        ]
        rows.append(
            CardRow(
                id=card.id,
                title=card.title,
                icon=card.icon,
                hidden=hidden,
                actions=tuple(
                    Action(
                        label=f"{label}: {card.title}",
                        path=PATH,
                        method="post",
                        icon=icon,
                        values=(("card", card.id), ("step", step), ("version", str(chosen.version))),
                        disabled=_("It is at the end already.") if ends else None,
                    )
                    for step, label, icon, ends in steps
                ),
            )
        )
    reset = Action(label=_("As it was at first"), path=f"{PATH}/reset", method="post", icon="rotate-ccw")
    return ArrangeView(cards=tuple(rows), reset=reset if chosen.version else None)
