"""Home → arrange: the order of the cards, and which of them are hidden. Buttons alone, so that it works with any keyboard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from medianest_core.base.texts import N_
from medianest_core.domain.accounts.home import Arrangement, arrangement
from medianest_core.sdk.permissions import USER
from medianest_core.store.errors import Stale
from medianest_core.store.repos.settings_history import State, UnknownState
from medianest_core.web.gate.routing import page
from medianest_core.web.gate.viewer import services_of, someone
from medianest_core.web.portal.formats import full_time
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.numbers import whole
from medianest_core.web.portal.pages.frame import Frame
from medianest_core.web.portal.viewer import use_viewer
from medianest_core.web.portal.views import Action, ArrangeView, Card, CardRow, EarlierCards

PATH = "/home/arrange"
_MEANWHILE = N_("You arranged your cards in another window. This is how they are now.")
_NAMED = 4
"""Cards that say enough about an order."""
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
            page(f"{PATH}/earlier/{{state}}", self.restore, methods=("POST",), policy=USER),
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
                return self._frame.go(request, PATH, message=_(_MEANWHILE))
            return self._frame.go(request, f"{PATH}#card-{name}")
        earlier = await home.earlier(person.id)
        with use_viewer(self._frame.view(request)):
            view = _view(chosen, cards, earlier)
        return await self._frame.page(request, "core/arrange.html", view)

    async def reset(self, request: Request) -> Response:
        await services_of(request).accounts.home.forget(someone(request).id)
        return self._frame.go(request, PATH, message=_("Your home page is as it was at first."))

    async def restore(self, request: Request) -> Response:
        home, person, form = services_of(request).accounts.home, someone(request), await request.form()
        state, version = whole(request.path_params["state"]), whole(form.get("version"))
        if state is None or not 0 < state < 2**31:
            raise UnknownState(_("This state is not kept any more."))
        try:
            chosen = await home.of(person.id)
            await home.restore(person.id, state, chosen.version if version is None else version)
        except Stale:
            return self._frame.go(request, PATH, message=_(_MEANWHILE))
        return self._frame.go(request, PATH, message=_("Your home page is as it was then."))


def _changed(chosen: Arrangement, cards: Sequence[Card], name: str, step: str) -> Arrangement:
    if step == "up":
        return chosen.moved(cards, name, -1)
    if step == "down":
        return chosen.moved(cards, name, 1)
    if step == "switch":
        return chosen.switched(name)
    return chosen


def _view(chosen: Arrangement, cards: Sequence[Card], earlier: Sequence[State]) -> ArrangeView:
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
    before = tuple(
        _earlier(state, chosen, notes)
        for state in earlier
        if (notes := _differences(arrangement(state), chosen, cards))
    )
    return ArrangeView(cards=tuple(rows), reset=reset if chosen.version else None, earlier=before)


def _earlier(state: State, chosen: Arrangement, notes: Sequence[str]) -> EarlierCards:
    at = full_time(state.at)
    back = Action(
        label=_("Bring back"),
        path=f"{PATH}/earlier/{state.id}",
        method="post",
        icon="rotate-ccw",
        values=(("version", str(chosen.version)),),
    )
    title = _("At first") if state.action == "found" else at
    return EarlierCards(title=title, notes=tuple(notes), action=back)


def _differences(then: Arrangement, now: Arrangement, cards: Sequence[Card]) -> list[str]:
    """In words, what an earlier page showed otherwise; nothing where it looked the same."""
    found = []
    for text, changed in (
        (_("Hidden then: %(names)s"), then.hidden - now.hidden),
        (_("Shown then: %(names)s"), now.hidden - then.hidden),
    ):
        if names := [card.title for card in cards if card.id in changed]:
            found.append(text % {"names": ", ".join(names)})
    if (order := then.sorted(cards)) != now.sorted(cards):
        found.append(_("Order then: %(names)s") % {"names": ", ".join(card.title for card in order[:_NAMED])})
    return found
