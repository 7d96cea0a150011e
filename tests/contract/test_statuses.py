"""What the portal looks at by itself, and the plugin of thirty lines, keep the contract of status providers."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

from starlette.responses import PlainTextResponse

from medianest_core.builtin.checks import HttpStatus, TcpStatus, TlsStatus
from medianest_core.testing.contracts import StatusContract
from medianest_core.testing.loopback import serving

PIHOLE = Path(__file__).parents[2] / "examples" / "thirty_lines" / "pihole.py"
GUIDE = Path(__file__).parents[2] / "docs" / "plugin-authors" / "contracts.md"


class Checked(StatusContract):
    """A check whose service is away says so: it never fails, and nothing has to be told apart."""

    url = ""

    @contextlib.asynccontextmanager
    async def surroundings(self) -> AsyncIterator[None]:
        async with serving(PlainTextResponse("It works.")) as url:
            self.url = url
            yield


class TestHttp(Checked):
    provider = HttpStatus

    def values(self) -> dict[str, Any]:
        return {"url": self.url}


class _Port(Checked):
    def values(self) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": int(self.url.rpartition(":")[2]), "retries": 0}


class TestPort(_Port):
    provider = TcpStatus


class TestCertificate(_Port):
    """Of a server that has none."""

    provider = TlsStatus


def _example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pihole", PIHOLE)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def _documented() -> type[StatusContract]:
    """The suite that the guide shows, word for word."""
    sys.modules["pihole"] = _example()
    shown = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)[0]
    made: dict[str, Any] = {"__name__": __name__}
    exec(compile(shown, str(GUIDE), "exec"), made)
    suite: type[StatusContract] = made["TestStatus"]
    return suite


TestThirtyLines = _documented()
