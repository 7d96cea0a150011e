"""Names of people, for pages that hold their ids."""

from __future__ import annotations

from collections.abc import Iterable

from medianest_core.domain.accounts.errors import Missing
from medianest_core.web.gate.services import Services


async def names_of(services: Services, user_ids: Iterable[str | None]) -> dict[str, str]:
    """Names to show for accounts; those that are gone are left out."""
    found = {}
    for user_id in {one for one in user_ids if one}:
        try:
            found[user_id] = (await services.accounts.users.get(user_id)).name
        except Missing:
            continue
    return found
