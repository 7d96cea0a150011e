"""Rendered pieces that are kept: the same poster stands on many pages, and the same dialogs stand on all of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from markupsafe import Markup

from .i18n import current_locale
from .viewer import viewer

MOST = 3_000
"""Pieces; of about a kilobyte each."""


class Kept:
    """A piece may depend on its arguments and on the language, theme and sub-path of the viewer, and on nothing else.

    most: how many are kept; 0 renders each anew, for development.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._pieces: OrderedDict[Hashable, Markup] = OrderedDict()

    def get(self, name: str, make: Callable[[], str], *given: Hashable) -> Markup:
        """The piece `name` of `given`, made when it is not there. `make` returns finished HTML."""
        if not self._most:
            return Markup(make())  # noqa: S704  # a rendered template
        looks = viewer()
        key = (name, current_locale(), looks.root_path, looks.theme, looks.secure, given)
        if (found := self._pieces.get(key)) is not None:
            return found
        made = self._pieces[key] = Markup(make())  # noqa: S704  # a rendered template
        if len(self._pieces) > self._most:
            self._pieces.popitem(last=False)
        return made

    def clear(self) -> None:
        """Forget all, because templates or files changed."""
        self._pieces.clear()
