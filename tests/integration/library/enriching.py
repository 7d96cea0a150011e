"""A process that syncs a library and asks an owner, for a test that ends it as `kill -9` does.

Arguments: the folder of its database; after how many questions it dies (0: never). What was asked is written to "asked" there.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from medianest_core.domain.library.service import Library
from medianest_core.domain.library.syncing.runs import SyncArgs
from medianest_core.host.instances import Instances
from medianest_core.sdk.fields import FieldOwner, FieldReport, TitleKey
from medianest_core.sdk.media import MediaSource
from tests.fakes.media import FakeInstances, FakeServer, FakeSource
from tests.fakes.portal import floor
from tests.integration.library.conftest import Shelf
from tests.integration.library.test_enrich import FakeOwner, Register, enriched, film

FILMS = 170


class MortalOwner(FakeOwner):
    def __init__(self, folder: Path, deadly: int) -> None:
        super().__init__(Register(known={str(n): {"tagline": f"Tag {n}"} for n in range(FILMS)}))
        self._folder = folder
        self._deadly = deadly

    async def report(self, keys: Sequence[TitleKey]) -> FieldReport:
        with (self._folder / "asked").open("a") as log:
            log.write(" ".join(key.ids["tmdb"] for key in keys) + "\n")
        if self._deadly and len(self.register.asked) + 1 == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().report(keys)


async def main(folder: Path, deadly: int) -> None:
    async with floor(folder) as base:
        instances, server = FakeInstances(), FakeServer()
        instances.add("a", MediaSource, FakeSource("a", server))
        instances.add("o", FieldOwner, MortalOwner(folder, deadly))
        server.put(*(film(str(n)) for n in range(FILMS)))
        library = Library(
            db=base.db,
            bus=base.bus,
            ledger=base.ledger,
            instances=cast(Instances, instances),
            clock=base.clock,
        )
        library.enrich.pause = 0.0
        for job in library.jobs():
            base.registry.add(job)
        shelf = Shelf(base, instances, library, {"a": server})
        await base.finished(await library.runs.request(SyncArgs()))
        await enriched(shelf)
        await library.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
