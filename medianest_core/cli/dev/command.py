"""`medianest dev`: the portal, simulators and the author's plugins, started anew whenever a file of theirs is saved."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from medianest_core.cli.dev.projects import (
    NotAProject,
    Project,
    forget_modules,
    link_files,
    packages_of,
    read_project,
    write_metadata,
)
from medianest_core.cli.dev.watching import LOOK, Seen, changed, look
from medianest_core.cli.serve import listen, make_settings

if TYPE_CHECKING:
    import socket

    from medianest_core.cli.demo import Running
    from medianest_core.cli.dev.serving import Plan

HOST = "127.0.0.1"
"""Never anything else: pages show tracebacks."""
GRACE = 3.0
"""Seconds that the serving process has to end after a file was saved."""
_INSTALLED = tuple(
    sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
_PRELOADED = (
    "medianest_core.asgi",
    "medianest_core.cli.connection",
    "medianest_core.cli.websocket",
    "medianest_core.web.portal.rooms",
    "uvicorn",
)


def dev(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders with a pyproject.toml, or plugins of one .py file; default: this folder."
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port on 127.0.0.1; default 8484, 0 picks a free one.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Keep everything in this folder; default: a temporary one.")
    ] = None,
    simulator: Annotated[
        list[str] | None,
        typer.Option(
            help="Name of an installed simulator to start beside the author's own; may be repeated."
        ),
    ] = None,
    items: Annotated[int, typer.Option(help="How many titles a simulated library holds.")] = 100,
    json_line: Annotated[bool, typer.Option("--json", help="Print one JSON line when ready.")] = False,
    browser: Annotated[bool, typer.Option(help="Open the portal in a browser.")] = True,
) -> None:
    """Serve the portal with your plugins, without installing them: save a file, and the pages load again.

    Mistakes stand on the pages with their traceback. Only browsers on this machine are answered.
    """
    named = paths or [Path()]
    try:
        projects = [read_project(path) for path in named]
    except NotAProject as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    with contextlib.ExitStack() as stack:
        folder = (
            data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="medianest-dev-")))
        ).absolute()
        (folder / "portal").mkdir(parents=True, exist_ok=True)
        settings = make_settings(
            host=HOST,
            port=port,
            data_dir=folder / "portal",
            dev=True,
            log_level="warning" if json_line else None,
        )
        _find(projects, folder)
        # Imported once the author's folders are on the path; what every start needs is in memory before the first.
        from medianest_core.cli.dev.serving import Plan

        for module in _PRELOADED:
            importlib.import_module(module)
        # Compiled files are told apart by whole seconds; who saves twice within one would be served the first.
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        signal.signal(signal.SIGTERM, _ended)
        bound = listen(HOST, settings.port)
        plan = Plan(
            settings,
            folder,
            [name for project in projects for name in project.plugins],
            json_line=json_line,
            browser=browser and not json_line,
        )
        _Workshop(named, projects, plan, bound, simulator or [], items).work()


def _ended(number: int, frame: object) -> NoReturn:
    raise SystemExit(0)


def _find(projects: Sequence[Project], folder: Path) -> None:
    """Make the projects importable here and in all processes that come from here."""
    roots = write_metadata(projects, folder / "metadata")
    sys.path[:0] = [root for root in roots if root not in sys.path]
    known = [
        part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part and part not in roots
    ]
    os.environ["PYTHONPATH"] = os.pathsep.join([*roots, *known])
    link_files(projects, folder / "portal" / "plugins")


class _Workshop:
    """paths: as they were named. simulators: names of further ones."""

    def __init__(
        self,
        paths: Sequence[Path],
        projects: Sequence[Project],
        plan: Plan,
        bound: socket.socket,
        simulators: Sequence[str],
        items: int,
    ) -> None:
        self._paths = [path.absolute() for path in paths]
        self._projects = projects
        self._plan = plan
        self._bound = bound
        self._further = simulators
        self._items = items
        self._seen: Seen = {}

    def work(self) -> None:
        """Until Ctrl+C or SIGTERM."""
        self._seen = look(self._watched())
        with contextlib.suppress(KeyboardInterrupt), self._simulators(self._further) as further:
            while True:
                forget_modules(self._projects)
                own = [name for project in self._projects for name in project.simulators]
                with self._simulators(own) as simulators:
                    self._serve_while(self._and(further, simulators))

    def _and(self, *simulators: Sequence[Running]) -> Plan:
        return replace(self._plan, simulators=[one for some in simulators for one in some])

    def _watched(self) -> list[Path]:
        # A plugin of one file may have a folder of templates beside it.
        return [*self._paths, *(path.with_suffix("") for path in self._paths if path.suffix == ".py")]

    @contextlib.contextmanager
    def _simulators(self, names: Sequence[str]) -> Iterator[list[Running]]:
        from medianest_core.cli.demo import start_simulators

        if not names:
            yield []
            return
        folder = self._plan.folder
        with start_simulators(folder, self._items, {}, names, self._plan.settings.downloads) as running:
            yield running

    def _serve_while(self, plan: Plan) -> None:
        """Serve, anew after each change, until one touches a simulator."""
        while True:
            names = self._serve_once(plan)
            plan = replace(self._plan, simulators=plan.simulators)
            if any("simulator" in Path(name).name for name in names):
                return

    def _read_again(self) -> Plan:
        """The plan for the next process, as the projects are by now."""
        from medianest_core.cli.dev.page import Mistake

        again = replace(self._plan, first=False, mistake=None, run=os.urandom(8).hex())
        try:
            self._projects = [read_project(path) for path in self._paths]
        except NotAProject as error:
            return replace(again, mistake=Mistake(str(error)))
        _find(self._projects, self._plan.folder)
        self._learn()
        return replace(again, plugins=[name for project in self._projects for name in project.plugins])

    def _learn(self) -> None:
        """Try what was saved in a process that may die of it."""
        from medianest_core.host.discovery import discover
        from medianest_core.host.hookcaller import Hooks
        from medianest_core.host.stages import Stages

        importlib.invalidate_caches()
        data_dir = self._plan.settings.data_dir
        Stages(data_dir, Hooks()).learn(discover(folder=data_dir / "plugins"))

    def _serve_once(self, plan: Plan) -> set[str]:
        """Serve until files have changed, and return their paths; the plan for the next process is then made."""
        from medianest_core.cli.dev.page import Mistake

        child, asked = self._fork(plan), False
        try:
            while True:
                time.sleep(LOOK)
                self._seen, names = changed(self._watched(), self._seen)
                if names:
                    # Both at once: it ends while we look at what was saved.
                    asked = _ask_to_end(child)
                    self._plan = self._read_again()
                    return names
                ended = child and os.waitpid(child, os.WNOHANG)[0]
                if ended and plan.mistake is None:
                    trace = plan.crash.read_text("utf-8") if plan.crash.is_file() else ""
                    mistake = Mistake(
                        "The portal could not start, or ended. Save a file to start it again.", trace
                    )
                    plan = replace(plan, mistake=mistake, run=os.urandom(8).hex())
                    child = self._fork(plan)
                elif ended:
                    child = 0
                else:
                    self._load_ahead()
        finally:
            if child:
                _end(child, asked=asked)

    def _load_ahead(self) -> None:
        """Import what a process has imported of what is installed: the next one has it in memory from the start.

        Of nothing else: what stands elsewhere may be edited.
        """
        told = self._plan.modules
        if not told.exists():
            return
        own = packages_of(self._projects)
        for line in told.read_text("utf-8").splitlines():
            name, _, file = line.partition("\t")
            package = name.partition(".")[0]
            settled = package not in own and (package == "medianest_core" or file.startswith(_INSTALLED))
            if settled and name not in sys.modules:
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
        told.unlink()

    def _fork(self, plan: Plan) -> int:
        from medianest_core.cli.dev.serving import serve_forked

        self._load_ahead()
        # Who starts a simulator has imported it here, and with it more of the project.
        forget_modules(self._projects)
        return serve_forked(plan, self._bound)


def _ask_to_end(child: int) -> bool:
    """True where there is a process to ask."""
    with contextlib.suppress(ProcessLookupError):
        if child:
            os.kill(child, signal.SIGTERM)
            return True
    return False


def _end(child: int, *, asked: bool) -> None:
    """Make the process end, which has been asked to or is now."""
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        if not asked:
            _ask_to_end(child)
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline:
            if os.waitpid(child, os.WNOHANG)[0]:
                return
            time.sleep(0.02)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
