"""The command line of the portal with its rate limits counted as ever but never reached, for measuring under load."""

from __future__ import annotations

from dataclasses import replace

from starlette.types import Scope

from medianest_core.cli import main
from medianest_core.web.gate.limits import Budget, Limits

FAR = 10_000_000
_budget = Limits._budget


def _far(self: Limits, scope: Scope) -> Budget | None:
    budget = _budget(self, scope)
    return replace(budget, limit=FAR) if budget is not None else None


if __name__ == "__main__":
    Limits._budget = _far  # type: ignore[method-assign]  # only here, and only the ceiling
    main()
