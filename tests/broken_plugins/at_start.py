"""Faults that are found out before the plugin runs: while it is looked for, imported, asked what it brings, or given its tables."""

from __future__ import annotations

from medianest_core.host.states import PluginState
from tests.broken_plugins.distribution import Broken

FAILED, INVALID = PluginState.IMPORT_FAILED, PluginState.INVALID
HEAD = """
from medianest_core.sdk import PUBLIC, Event, Job, Manifest, NavItem, Page, Permission, Route, TableSet, hookimpl
from sqlalchemy import Column, MetaData, String, Table
from pydantic import BaseModel

manifest = Manifest({name!r}, title={name!r}, api="1.0")
"""
MIGRATION = 'revision = "{revision}"\ndown_revision = None\nbranch_labels = None\ndepends_on = None\n\n'


def importing(name: str, source: str, reason: str, state: PluginState = FAILED) -> Broken:
    """It is the import that goes wrong."""
    return Broken(name, source, state, reason)


def declaring(name: str, body: str, reason: str, state: PluginState = INVALID) -> Broken:
    """It can be imported; what it declares is wrong."""
    return Broken(name, HEAD.format(name=name) + body, state, reason)


def contributing(name: str, items: str, reason: str, before: str = "") -> Broken:
    """One of its contributions is wrong."""
    body = f"""
async def handler(*args):
    return None
{before}
@hookimpl
def register_contributions():
    return [{items}]
"""
    return declaring(name, body, reason)


def migrating(name: str, upgrade: str, table: str = "") -> Broken:
    """Its tables cannot be made."""
    package, table = f"broken_{name}_migrations", table or f"{name}_things"
    body = f"""
metadata = MetaData()
Table({table!r}, metadata, Column("id", String(8), primary_key=True))

@hookimpl
def register_contributions():
    return [TableSet(metadata, {package!r})]
"""
    return Broken(
        name,
        HEAD.format(name=name) + body,
        PluginState.NEEDS_MIGRATION,
        "tables could not be brought up to date",
        files={
            f"{package}/__init__.py": "",
            f"{package}/versions/first.py": MIGRATION.format(revision=f"{name}0001") + upgrade,
        },
    )


def tables(name: str, table: str, reason: str, state: PluginState = INVALID) -> Broken:
    """It can make its table, which is called wrongly or as another."""
    made = migrating(name, "def upgrade():\n    pass\n", table)
    return Broken(name, made.source, state, reason, files=made.files)


MUST_NOT_BE_IMPORTED = 'raise SystemExit("imported although its metadata says that it cannot run here")'
TWIN = 'from medianest_core.sdk import Manifest\nmanifest = Manifest("twin", title="Twin", api="1.0")\n'
CONFLICT = PluginState.CONFLICT
JOB = 'Job({name!r}, handler, BaseModel, title="Job")'

AT_START = (
    importing(
        "asserts",
        'raise AssertionError("this plugin expects another world")',
        "AssertionError: this plugin expects",
    ),
    importing("import_error", "import a_package_that_nobody_has", "ModuleNotFoundError"),
    importing("syntax_error", "def broken(:\n", "SyntaxError"),
    importing("import_exits", "import sys\nsys.exit(3)", "tried to end the process"),
    importing("os_exits", "import os\nos._exit(0)", "ended the process (exit code 0)"),
    importing("segfault", "import ctypes\nctypes.string_at(0)", "ended the process (signal SIGSEGV)"),
    importing(
        "slow_import",
        "import time\ntime.sleep(0.3)\nfrom medianest_core.sdk import Manifest\n"
        'manifest = Manifest("slow_import", title="Slow", api="1.0")',
        "",
        PluginState.ACTIVE,
    ),
    importing("hangs", "import threading\nthreading.Event().wait()", "did not end within"),
    importing("no_manifest", "answer = 42", 'has no "manifest', INVALID),
    importing(
        "bad_manifest",
        'from medianest_core.sdk import Manifest\nmanifest = Manifest("someone_else", title="", api="1.0")',
        'called "someone_else"',
        INVALID,
    ),
    importing(
        "newer_minor",
        'from medianest_core.sdk import Manifest\nmanifest = Manifest("newer_minor", title="New", api="1.999")',
        "1.999",
        PluginState.INCOMPATIBLE,
    ),
    Broken(
        "wrong_major",
        MUST_NOT_BE_IMPORTED,
        PluginState.INCOMPATIBLE,
        "written for plugin API 9",
        group="medianest.plugins.v9",
    ),
    Broken(
        "needs_newer",
        MUST_NOT_BE_IMPORTED,
        PluginState.INCOMPATIBLE,
        "needs MediaNest >=99",
        requires="medianest>=99",
    ),
    Broken("twin_a", TWIN, CONFLICT, "both bring a plugin called twin", plugin="twin"),
    Broken("twin_b", TWIN, CONFLICT, "both bring a plugin called twin", plugin="twin"),
    declaring(
        "misspelled",
        "@hookimpl\ndef register_contribution():\n    return []\n",
        "Did you mean register_contributions?",
    ),
    declaring("unmarked", "def register_contributions():\n    return []\n", "lacks @hookimpl"),
    declaring(
        "sync_startup",
        "@hookimpl\ndef on_startup(context):\n    return None\n",
        'on_startup must be "async def"',
    ),
    declaring(
        "async_register",
        "@hookimpl\nasync def register_contributions():\n    return []\n",
        'must be a plain "def"',
    ),
    declaring(
        "register_raises",
        '@hookimpl\ndef register_contributions():\n    raise KeyError("no such thing")\n',
        "register_contributions raised KeyError",
    ),
    declaring(
        "register_exits",
        "import sys\n@hookimpl\ndef register_contributions():\n    sys.exit(4)\n",
        "tried to end the process",
        FAILED,
    ),
    declaring(
        "declares_garbage",
        "@hookimpl\ndef register_status_providers():\n    return [object()]\n",
        "is no StatusProvider class",
    ),
    declaring(
        "foreign_permission",
        'manifest = Manifest("foreign_permission", title="F", api="1.0", permissions=(Permission("plex.watch", "W"),))',
        'must start with "foreign_permission."',
    ),
    contributing(
        "foreign_event",
        "Told",
        'must look like "foreign_event:',
        'class Told(Event):\n    name = "plex:told"\n',
    ),
    contributing("foreign_nav", 'NavItem("Elsewhere", "/p/plex/")', "must start with /p/foreign_nav/"),
    contributing("escaping_page", 'Page("../admin", handler, title="Up")', "no path below the plugin's own"),
    contributing(
        "colliding_route",
        'Page("here", handler, title="Here"), Route("GET", "/here/", handler)',
        "there are two of it",
    ),
    contributing(
        "colliding_job",
        f"{JOB.format(name='count')}, {JOB.format(name='colliding_job.count')}",
        "there are two of it",
    ),
    contributing(
        "open_page", 'Page("", handler, title="Open", policy=PUBLIC)', "may not be open to the public"
    ),
    contributing("sync_page", 'Page("", len, title="Plain")', 'its handler must be "async def"'),
    contributing(
        "ten_thousand_routes",
        '*(Route("GET", f"/{n}", handler) for n in range(10_000))',
        "at most 1000 are possible",
    ),
    tables("foreign_table", "plex_things", 'must start with "foreign_table_"'),
    tables("colliding", "colliding_table_things", "", PluginState.ACTIVE),
    tables("colliding_table", "colliding_table_things", "is taken by colliding"),
    migrating("failing_migration", 'def upgrade():\n    raise ValueError("no such column")\n'),
    migrating("exiting_migration", "def upgrade():\n    raise SystemExit(5)\n"),
    migrating("unreadable_migration", "def upgrade(:\n"),
)
"""Two of them are sound: the slow one, and one that has the table first which another wants to have."""
