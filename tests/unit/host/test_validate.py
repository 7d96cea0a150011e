"""Validation: everything a plugin declares is looked at, and all problems are reported together."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel
from sqlalchemy import Column, ForeignKey, MetaData, String, Table

from medianest_core.host.compat import manifest_of, refusal
from medianest_core.host.declarations import Declarations
from medianest_core.host.discovery import Found
from medianest_core.host.errors import Incompatible, Invalid
from medianest_core.host.hookcaller import Hooks
from medianest_core.host.validate import collect, collisions
from medianest_core.sdk import (
    ADMIN,
    PUBLIC,
    Action,
    ApiRoute,
    Card,
    Command,
    Event,
    HttpUrl,
    Isolation,
    Item,
    Job,
    JobContext,
    Listener,
    Manifest,
    NavItem,
    Page,
    Permission,
    PluginContext,
    Policy,
    Request,
    Route,
    Schedule,
    Secret,
    ServiceSettings,
    ServiceType,
    Snapshot,
    StatusProvider,
    TableSet,
    core_stub,
    hookimpl,
    needs,
    user_fk,
)

MANIFEST = Manifest("demo", title="Demo", api="1.0", permissions=[Permission("demo.use", "Use it")])


def declare(manifest: Manifest = MANIFEST, **answers: Any) -> Declarations:
    return collect(manifest, types.ModuleType("demo"), lambda hook: answers.get(hook))


def problems(**answers: Any) -> Sequence[str]:
    with pytest.raises(Invalid) as refused:
        declare(**answers)
    return refused.value.problems


def contribution_problems(*items: Any) -> Sequence[str]:
    return problems(register_contributions=list(items))


class Args(BaseModel):
    pass


class NeedsValue(BaseModel):
    value: int


class WithSecret(BaseModel):
    key: Secret


async def page(request: Request) -> Any: ...
async def api(request: Request, body: Any) -> Any: ...
async def run(context: JobContext, args: Any) -> None: ...
async def act(client: Any) -> Any: ...
async def listen(context: PluginContext, event: Event) -> None: ...
async def command(context: PluginContext, arguments: Sequence[str]) -> int:
    return 0


def plain(args: Args) -> None: ...
def sync_page(request: Request) -> Any: ...


class Happened(Event):
    name: ClassVar[str] = "demo:happened"


class Elsewhere(Event):
    name: ClassVar[str] = "other:happened"


class Settings(ServiceSettings):
    url: HttpUrl


SERVICE = ServiceType("thing", Settings)


class Status(StatusProvider[Settings]):
    service = SERVICE

    async def snapshot(self) -> Snapshot:
        return Snapshot([Item("x", up=True)])


def test_a_complete_plugin() -> None:
    declared = declare(
        register_status_providers=[Status],
        register_contributions=[
            Job("work", run, Args),
            Job(
                "demo.process", plain, Args, isolation=Isolation.PROCESS, schedule=Schedule(cron="0 4 * * *")
            ),
            Page("", page, title="Demo", policy=needs("demo.use")),
            Route("POST", "things/{thing}/start", page, policy=ADMIN),
            ApiRoute("GET", "things", api, returns=Args),
            NavItem("Demo", "/p/demo/"),
            Card("tile", "Demo", page),
            Action("scan", "Scan", "thing", act),
            Listener(Happened, listen),
            Command("check", command),
            Happened,
        ],
    )
    assert list(declared.services) == ["thing"]
    assert declared.providers == {StatusProvider: (Status,)}
    assert [item.name for item in declared.contributions if isinstance(item, Job)] == [
        "demo.work",
        "demo.process",
    ]


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (Job("work", run, NeedsValue, schedule=Schedule(every=60)), "args all need defaults"),
        (Job("work", run, WithSecret), "may not hold secrets"),
        (Job("work", plain, Args), '"async def"'),
        (Job("work", run, Args, isolation=Isolation.THREAD), 'plain "def"'),
        (Job("work", lambda args: None, Args, isolation=Isolation.PROCESS), "function of a module"),
        (Job("Work!", run, Args), "lower-case words"),
        (Job("work", run, Args, schedule=Schedule()), "either cron or every"),
        (Job("work", run, Args, limit=0), "at least 1"),
        (Job("work", run, Args, deadline=0), "more than 0 seconds"),
        (Listener(Event, listen, durable=True), "needs a certain event"),
        (Page("../up", page, title="x"), "no path below"),
        (Page("a//b", page, title="x"), "no path below"),
        (Page("x", page, title="x", policy=PUBLIC), "open to the public"),
        (Page("x", page, title="x", policy=needs("library.view")), "not in the manifest"),
        (Page("x", page, title="x", policy=None), "no policy"),  # type: ignore[arg-type]  # what a plugin might do
        (Page("x", sync_page, title="x"), '"async def"'),
        (Route("FETCH", "x", page), "unknown method"),
        (ApiRoute("GET", "x", api, returns=int), "pydantic model"),  # type: ignore[arg-type]  # what a plugin might do
        (NavItem("x", "/admin"), "must start with /p/demo/"),
        (NavItem("x", "https://elsewhere.example"), "must start with /p/demo/"),
        (Card("Big Tile", "x", page), "lower-case letters"),
        (Action("scan", "Scan", "nothing", act), "no service nothing"),
        (Elsewhere, 'look like "demo:something"'),
        ("text", "no contribution"),
        (3, "no contribution"),
    ],
)
def test_each_wrong_contribution_is_named(item: Any, said: str) -> None:
    found = contribution_problems(item)
    assert len(found) == 1 and said in found[0], found


def test_all_problems_come_together() -> None:
    found = contribution_problems(
        Page("x", page, title="x", policy=PUBLIC), Route("GET", "/x/", page), Elsewhere, 3
    )
    assert len(found) == 4


def rows(op: Any) -> None:
    """A step of migrations."""


async def slow_rows(op: Any) -> None:
    """One that cannot be awaited."""


def tables(*made: Any, migrations: Any = "medianest_core.sdk") -> TableSet:
    metadata = MetaData()
    core_stub(metadata)
    for name, columns in made:
        Table(name, metadata, Column("id", String, primary_key=True), *columns)
    return TableSet(metadata, migrations)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (tables(("other_rows", [])), 'must start with "demo_"'),
        (tables(("demo_versions", [])), "keeps the plugin's versions"),
        (tables(("demo_rows", [Column("s", ForeignKey("sessions.id"))])), "may not refer to sessions"),
        (tables(("demo_rows", []), migrations="no.such.package"), "no package"),
        (tables(("demo_rows", []), migrations=[]), "neither the name of a package nor a list of functions"),
        (tables(("demo_rows", []), migrations=rows), "neither the name of a package nor a list of functions"),
        (
            tables(("demo_rows", []), migrations=[rows, lambda op: None]),
            "migration 2 (<lambda>) is no function",
        ),
        (tables(("demo_rows", []), migrations=[rows, "0002"]), "migration 2 ('0002') is no function"),
        (tables(("demo_rows", []), migrations=[slow_rows]), 'must be "def"'),
        (tables(("demo_rows", []), migrations=[rows, rows]), "rows is listed twice"),
        (tables(("demo_rows", []), migrations=[rows, manifest_of]), "in one module"),
    ],
)
def test_wrong_tables(item: TableSet, said: str) -> None:
    found = contribution_problems(item)
    assert any(said in one for one in found), found


def test_tables_whose_migrations_are_functions() -> None:
    declared = declare(register_contributions=[tables(("demo_rows", []), migrations=[rows])])
    assert [type(one) for one in declared.contributions] == [TableSet]


def test_tables_collide_with_the_core_and_with_each_other() -> None:
    declared = declare(register_contributions=[tables(("demo_rows", [user_fk()]))])
    assert collisions(declared, [], ["users"]) == []
    assert collisions(declared, [], ["demo_rows"]) == ["Table demo_rows is taken by the core."]
    assert collisions(declared, [declared]) == ["Table demo_rows is taken by demo."]


def test_wrong_values_of_a_provider_class() -> None:
    class Loose(StatusProvider[Settings]):
        service = SERVICE
        own_row = "no"  # type: ignore[assignment]  # what is tried

        async def snapshot(self) -> Snapshot:
            return Snapshot([])

    assert problems(register_status_providers=[Loose]) == ("Loose.own_row must be bool, not str.",)


def test_wrong_providers() -> None:
    class NoSnapshot(StatusProvider[Settings]):
        service = SERVICE

    class NoService(StatusProvider[Settings]):
        async def snapshot(self) -> Snapshot:
            return Snapshot([])

    class WrongColour(StatusProvider[Settings]):
        service = SERVICE

        def snapshot(self) -> Snapshot:  # type: ignore[override]  # what a plugin might do
            return Snapshot([])

    for wrong, said in {
        NoSnapshot: "does not define snapshot",
        NoService: "which service it belongs to",
        WrongColour: "wrong colour",
        int: "no StatusProvider class",
    }.items():
        found = problems(register_status_providers=[wrong])
        assert len(found) == 1 and said in found[0], found
    assert "two providers" in problems(register_status_providers=[Status, Status])[0]
    assert "must return a list" in problems(register_status_providers="Status")[0]


class Inner(BaseModel):
    x: int = 1


@pytest.mark.parametrize(
    ("annotation", "default", "said"),
    [
        (int | str, 1, "choice between types"),
        (dict[str, str], {}, "cannot be shown as a form"),
        (list[Inner], [], "models inside settings"),
        (Inner, Inner(), "models inside settings"),
        (list[list[str]], [], "lists inside lists"),
        (set[str], set(), "use list"),
        (list[Secret], [], "list of secrets"),
        (bytes, b"", "cannot be shown as a form"),
        (Any, None, "cannot be shown as a form"),
    ],
)
def test_settings_that_no_form_can_show(annotation: Any, default: Any, said: str) -> None:
    model = types.new_class(
        "Wrong",
        (ServiceSettings,),
        {},
        lambda body: body.update(
            {"__annotations__": {"field": annotation}, "field": default, "__module__": __name__}
        ),
    )
    found = problems(register_services=[ServiceType("thing", model)])
    assert any(said in one for one in found), found


def test_a_service_that_is_declared_twice_under_one_name() -> None:
    found = problems(register_services=[SERVICE, ServiceType("thing", Settings)])
    assert found == ("Two service types are called thing.",)


def test_a_hook_that_raises_is_one_problem() -> None:
    def ask(hook: str) -> Any:
        if hook == "register_services":
            raise RuntimeError("oh")
        return None

    with pytest.raises(Invalid) as refused:
        collect(MANIFEST, types.ModuleType("demo"), ask)
    assert refused.value.problems == ("register_services raised RuntimeError: oh",)


def module(source: Mapping[str, Any]) -> types.ModuleType:
    made = types.ModuleType("mn_sample_plugin")
    for name, value in source.items():
        if callable(value) and not isinstance(value, type):
            value.__module__ = made.__name__
        setattr(made, name, value)
    return made


def test_hooks_are_checked_before_they_are_taken() -> None:
    hooks = Hooks()

    @hookimpl
    def register_status_provider() -> Any: ...

    def register_jobs() -> Any: ...

    def register_services() -> Any: ...

    @hookimpl(wrapper=True)
    def register_catalogs() -> Any:
        yield

    @hookimpl
    async def on_startup(contekst: Any) -> None: ...

    cases: dict[str, tuple[Any, str]] = {
        "register_status_provider": (register_status_provider, "Did you mean register_status_providers?"),
        "register_services": (register_services, "lacks @hookimpl"),
        "register_catalogs": (register_catalogs, "hook wrappers are not possible"),
        "on_startup": (on_startup, "do not fit"),
    }
    for name, (function, said) in cases.items():
        with pytest.raises(Invalid, match=said):
            hooks.register("sample", module({name: function}))
        assert hooks.collect("sample", "register_services") is None
    hooks.register("sample", module({"register_jobs": register_jobs}))


async def test_one_failing_hook_harms_no_other() -> None:
    import asyncio

    hooks = Hooks()
    done: list[str] = []

    def plugin(name: str, body: Any) -> types.ModuleType:
        @hookimpl
        async def on_startup(context: Any) -> None:
            await body()
            done.append(name)

        return module({"on_startup": on_startup})

    async def good() -> None: ...

    async def bad() -> None:
        raise SystemExit(1)

    async def hanging() -> None:
        await asyncio.Event().wait()

    for name, body in {"bad": bad, "hanging": hanging, "good": good}.items():
        hooks.register(name, plugin(name, body))
    outcomes = await hooks.call(
        "on_startup", {name: {"context": None} for name in ("bad", "hanging", "good", "absent")}, deadline=0.1
    )
    errors = {outcome.plugin: type(outcome.error).__name__ for outcome in outcomes}
    assert errors == {"bad": "Exited", "hanging": "Overdue", "good": "NoneType"}
    assert done == ["good"]


def found(**changes: Any) -> Found:
    values: dict[str, Any] = {
        "name": "demo",
        "module": "demo",
        "distribution": "d",
        "version": "1",
        "api_major": 1,
        "builtin": False,
        "location": "",
    }
    return Found(**{**values, **changes})


def test_versions() -> None:
    assert refusal(found()) is None
    assert refusal(found(requires=("medianest>=0.1,<1", "httpx", "???"))) is None
    assert "plugin API 2" in (refusal(found(api_major=2)) or "")
    assert "needs MediaNest <0.1" in (refusal(found(requires=("medianest<0.1",))) or "")
    with pytest.raises(Incompatible, match="Update MediaNest"):
        manifest_of(module({"manifest": Manifest("demo", title="Demo", api="1.99")}), found())
    with pytest.raises(Incompatible, match="must look like"):
        manifest_of(module({"manifest": Manifest("demo", title="Demo", api="one")}), found())
    with pytest.raises(Invalid, match="has no"):
        manifest_of(module({}), found())


def test_a_policy_without_the_manifests_permission() -> None:
    assert (
        "not in the manifest"
        in contribution_problems(Card("x", "x", page, policy=Policy(permission="demo.other")))[0]
    )
