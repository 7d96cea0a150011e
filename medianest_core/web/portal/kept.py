"""Rendered pieces that are kept: the same poster stands on many pages, and the same dialogs stand on all of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from markupsafe import Markup

from medianest_core.cache.cached import Facts

from .i18n import current_locale, current_plugin
from .viewer import viewer

MOST = 3_000
"""Pieces; of about a kilobyte each."""


class Kept:
    """A piece may depend on its arguments and on the language, theme and sub-path of the viewer, and on nothing else.

    most: how many are kept; 0 renders each anew, for development.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._hits = self._misses = 0
        self._pieces: OrderedDict[Hashable, Markup] = OrderedDict()

    def get(self, name: str, make: Callable[[], str], *given: Hashable) -> Markup:
        """The piece `name` of `given`, made when it is not there. `make` returns finished HTML."""
        if not self._most:
            return Markup(make())  # noqa: S704  # a rendered template
        looks = viewer()
        key = (name, current_locale(), current_plugin(), looks.root_path, looks.theme, looks.secure, given)
        if (found := self._pieces.get(key)) is not None:
            self._hits += 1
            return found
        self._misses += 1
        made = self._pieces[key] = Markup(make())  # noqa: S704  # a rendered template
        if len(self._pieces) > self._most:
            self._pieces.popitem(last=False)
        return made

    def forget(self) -> None:
        """Forget all, because templates or files changed."""
        self._pieces.clear()

    async def facts(self) -> Facts:
        return Facts(
            "pieces",
            len(self._pieces),
            sum(map(len, self._pieces.values())),
            hits=self._hits,
            misses=self._misses,
        )

    async def clear(self) -> None:
        self.forget()
