"""What a service lets be chosen for requests of some kinds, asked now; for profiles, which keep such choices."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from medianest_core.domain.requests.backends import Backends, takes
from medianest_core.domain.requests.kinds import MediaTypes
from medianest_core.sdk.errors import MediaNestError
from medianest_core.sdk.requests import RequestCapability, RequestItem, RequestOption


@dataclass(frozen=True, slots=True)
class Offer:
    """options: what can be chosen. trouble: why that is not known now, in plain words. differs: it is another for each of the kinds, so that
    one of them has to be chosen first. takes: whether the service takes any of the kinds at all."""

    options: Sequence[RequestOption] = ()
    trouble: str = ""
    differs: bool = False
    takes: bool = True


class Offers:
    def __init__(self, backends: Backends, types: MediaTypes) -> None:
        self._backends = backends
        self._types = types

    async def of(self, instance_id: str, kinds: Sequence[str], variant: str) -> Offer:
        """kinds: none of them means all that the service takes."""
        try:
            handle = self._backends.get(instance_id)
        except MediaNestError as error:
            return Offer(trouble=str(error))
        wanted = kinds or [name for name, one in self._types.all().items() if one.requestable]
        # The parts of a show are asked for by the show's options.
        roots = dict.fromkeys(self._types.root(one) for one in wanted)
        asked = [one for one in roots if takes(handle, RequestItem(one, {}, "", variant=variant))]
        if not asked:
            return Offer(takes=False)
        if not handle.can(RequestCapability.OPTIONS):
            return Offer()
        try:
            answers = await asyncio.gather(*(handle.api.options(one, variant) for one in asked))
        except MediaNestError as error:
            return Offer(trouble=str(error))
        first = list(answers[0])
        if any(list(one) != first for one in answers[1:]):
            return Offer(differs=True)
        return Offer(options=tuple(first))
