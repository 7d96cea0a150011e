"""Archives that are damaged, cut off or made to harm: refused, and nothing has changed."""

from __future__ import annotations

import io
import json
import random
import stat
import zipfile
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medianest_core.store.backup import archive as archives
from medianest_core.store.backup.archive import Archive
from medianest_core.store.backup.errors import CannotRestore, Damaged
from medianest_core.store.backup.files import Places
from medianest_core.store.backup.make import make
from medianest_core.store.backup.manifest import is_safe
from medianest_core.store.backup.restore import prepared
from medianest_core.store.backup.rows import canonical_json, decode, encode
from medianest_core.store.backup.shape import KINDS, Column, TableShape
from medianest_core.store.engine import Database
from medianest_core.store.migrate import upgrade
from tests.unit.store.backup.conftest import places_in
from tests.unit.store.backup.seeding import seed

pytestmark = pytest.mark.full

ROOM = 1 << 30
_SEAL = 71


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[tuple[bytes, Places]]:
    """A small real archive, and a place to restore it to."""
    folder = tmp_path / "data"
    folder.mkdir()
    places = places_in(folder)
    db = Database(f"sqlite+aiosqlite:///{folder / 'medianest.db'}")
    await db.start()
    try:
        await upgrade(db)
        await seed(db, rows=2)
        await make(db, places, {}, folder / "backups" / "one.zip")
    finally:
        await db.close()
    yield (folder / "backups" / "one.zip").read_bytes(), places


def opened(data: bytes) -> Archive:
    return Archive(io.BytesIO(data), room=ROOM)


def resealed(data: bytes) -> bytes:
    """The same with a right checksum: what somebody makes who wants to be believed."""
    return data[:-_SEAL] + b"sha256:" + sha256(data[:-_SEAL]).hexdigest().encode()


def rebuilt(data: bytes, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> bytes:
    """The archive with other members and another manifest, sealed again."""
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    change(manifest, members)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in members.items():
            new.writestr(name, content)
        new.writestr("manifest.json", json.dumps(manifest))
        new.comment = b"sha256:" + b"0" * 64
    return resealed(file.getvalue())


async def test_every_cut_and_many_flips_are_noticed(whole: tuple[bytes, Places]) -> None:
    data, _ = whole
    assert opened(data).manifest.rows > 50
    pick = random.Random(1)
    ends = {*range(200), *range(len(data) - 200, len(data)), *(pick.randrange(len(data)) for _ in range(300))}
    for end in ends:
        with pytest.raises(Damaged):
            opened(data[:end])
    places = {
        *range(64),
        *range(len(data) - 200, len(data)),
        *(pick.randrange(len(data)) for _ in range(600)),
    }
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 1 << pick.randrange(8)
        with pytest.raises(Damaged):
            opened(bytes(changed))
    with pytest.raises(Damaged):
        opened(data + b"\n")


async def test_flips_under_a_right_checksum_are_noticed_or_harmless(whole: tuple[bytes, Places]) -> None:
    """Where somebody changed a byte and sealed again, what is read is what was written, or nothing."""
    data, _ = whole
    right = {
        name: [row for part in opened(data).rows(name) for row in part]
        for name in opened(data).manifest.tables
    }
    pick = random.Random(2)
    for _ in range(500):
        changed = bytearray(data[:-_SEAL])
        changed[pick.randrange(len(changed))] ^= 1 << pick.randrange(8)
        try:
            found = opened(resealed(bytes(changed) + bytes(_SEAL)))
            rows = {
                name: [row for part in found.rows(name) for row in part] for name in found.manifest.tables
            }
            for member in found.manifest.files:
                b"".join(found.file(member))
        except (Damaged, CannotRestore):
            continue
        assert rows == right


def _named(name: str) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        members[name] = b"x"
        manifest["files"][name] = {"size": 1, "sha256": sha256(b"x").hexdigest()}

    return change


def _table(**values: Any) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        manifest["tables"]["users"].update(values)

    return change


def _rows(line: bytes) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        members["tables/audit.jsonl"] = line + b"\n"
        manifest["tables"]["audit"].update(
            rows=1, digest=f"{int.from_bytes(sha256(line).digest(), 'big'):064x}"
        )

    return change


def _manifest(**values: Any) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    return lambda manifest, members: manifest.update(values)


def _unknown_table(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    manifest["tables"]["evil"] = manifest["tables"]["users"]
    members["tables/evil.jsonl"] = members["tables/users.jsonl"]


def _no_core(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    manifest["schemas"] = {"toy": ["1"]}
    for entry in manifest["tables"].values():
        entry["plugin"] = "toy"


def _extra_member(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    members["surprise.txt"] = b"x"


def _missing_member(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    del members["tables/users.jsonl"]


HARM = {
    "traversal": _named("files/plugins/../../keys.json"),
    "absolute": _named("/etc/cron.d/x"),
    "elsewhere": _named("elsewhere/x"),
    "backslash": _named("files/plugins/toy\\..\\x"),
    "control": _named("files/plugins/toy/a\nb"),
    "plugin root": _named("files/plugins/x"),
    "long": _named("files/plugins/toy/" + "x" * 300),
    "unknown table": _unknown_table,
    "unknown column": _table(columns=[{"name": "id", "kind": "text"}, {"name": "evil", "kind": "text"}]),
    "other kind": _table(columns=[{"name": "id", "kind": "int"}]),
    "no columns": _table(columns=[]),
    "fewer rows": _table(rows=0),
    "more rows": _table(rows=10**9),
    "negative rows": _table(rows=-1),
    "digest": _table(digest="0" * 64),
    "injection": _table(columns=[{"name": 'id") VALUES (1); --', "kind": "text"}]),
    "extra member": _extra_member,
    "missing member": _missing_member,
    "no schema": _no_core,
    "unknown key": _manifest(extra=1),
    "format zero": _manifest(format=0),
    "format text": _manifest(format="1"),
    "deep rows": _rows(b"[" * 100_000 + b"]" * 100_000),
    "wrong types": _rows(b'["1",0.0,null,"a","b","{}",""]'),
    "deep json": _rows(b'[1,0.0,null,"a","b","' + b"[" * 5000 + b"]" * 5000 + b'",""]'),
    "no json": _rows(b'[1,0.0,null,"a","b","{",""]'),
    "huge number": _rows(b'[99999999999999999999,0.0,null,"a","b","{}",""]'),
    "too few": _rows(b"[1]"),
    "null in a key": _rows(b'[1,null,null,"a","b","{}",""]'),
    "not utf-8": _rows(b'[1,0.0,null,"\xff\xfe","b","{}",""]'),
}


@pytest.mark.parametrize("harm", HARM)
async def test_an_archive_made_to_harm_is_refused(whole: tuple[bytes, Places], harm: str) -> None:
    data, places = whole
    file = places.data / "hostile.zip"
    file.write_bytes(rebuilt(data, HARM[harm]))
    before = sorted(path for path in places.data.rglob("*"))
    with pytest.raises(Damaged):
        async with prepared(file, places, {}):
            pass
    assert sorted(path for path in places.data.rglob("*")) == before


async def test_the_helper_changes_nothing_by_itself(whole: tuple[bytes, Places]) -> None:
    data, places = whole
    file = places.data / "same.zip"
    file.write_bytes(rebuilt(data, lambda manifest, members: None))
    async with prepared(file, places, {}) as ready:
        assert ready.manifest.rows == opened(data).manifest.rows


async def test_a_newer_format_is_named_as_such(whole: tuple[bytes, Places]) -> None:
    with pytest.raises(CannotRestore, match="newer MediaNest"):
        opened(rebuilt(whole[0], _manifest(format=2, medianest="9.0")))


async def test_a_plugin_that_is_not_here_is_named(whole: tuple[bytes, Places]) -> None:
    data, places = whole
    file = places.data / "plugin.zip"

    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        manifest["schemas"]["toy"] = ["1"]

    file.write_bytes(rebuilt(data, change))
    with pytest.raises(CannotRestore, match="plugin toy"):
        async with prepared(file, places, {}):
            pass
    async with prepared(file, places, {}, skip_missing=True) as ready:
        assert ready.skipped == ["toy"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFBLK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFDIR])
async def test_links_and_devices_are_refused(whole: tuple[bytes, Places], kind: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as new:
        info = zipfile.ZipInfo("manifest.json")
        info.external_attr = (kind | 0o777) << 16
        new.writestr(info, b"{}")
        new.comment = b"sha256:" + b"0" * 64
    with pytest.raises(Damaged, match="no backup holds"):
        opened(resealed(file.getvalue()))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [["a", "a"], ["a/"]])
def test_names_twice_and_folders_are_refused(names: list[str]) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as new:
        for name in names:
            new.writestr(name, b"")
        new.comment = b"sha256:" + b"0" * 64
    with pytest.raises(Damaged, match="no backup holds"):
        opened(resealed(file.getvalue()))


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("tables/users.jsonl", bytes(archives._SMALL + 1))
        new.comment = b"sha256:" + b"0" * 64
    data = resealed(file.getvalue())
    with pytest.raises(Damaged, match="beyond all measure"):
        opened(data)
    monkeypatch.setattr(archives, "MOST_RATIO", 1 << 30)
    with pytest.raises(Damaged, match="MB are free"):
        Archive(io.BytesIO(data), room=1 << 20)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_noise_is_refused(data: bytes, seal: bool) -> None:
    with pytest.raises((Damaged, CannotRestore)):
        opened(resealed(data + bytes(_SEAL)) if seal else data)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_a_safe_name_stays_below_its_place(rest: str) -> None:
    name = f"files/plugins/{rest}"
    if is_safe(name):
        root = Path("/data/plugins")
        path = Path(f"/data/plugins/{rest}")
        assert root in path.parents
        assert ".." not in path.parts
        assert "\x00" not in rest


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_VALUES = {
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(),
    "text": st.text(max_size=40),
    "bool": st.booleans(),
    "json": _JSON.map(lambda value: canonical_json(json.dumps(value))),
    "bytes": st.binary(max_size=40),
    "datetime": st.datetimes()
    .map(lambda value: value.strftime("%Y-%m-%d %H:%M:%S.%f"))
    .filter(lambda text: len(text) == 26),
    "date": st.dates().map(str),
}
_SHAPE = TableShape("any", tuple(Column(kind, kind) for kind in sorted(KINDS)))  # type: ignore[arg-type]  # they are kinds


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(*(st.none() | _VALUES[column.kind] for column in _SHAPE.columns)), max_size=3))
def test_any_row_is_read_as_it_was_written(rows: list[tuple[Any, ...]]) -> None:
    lines = encode(_SHAPE, rows)
    again = [decode(_SHAPE, line) for line in lines]
    assert encode(_SHAPE, again) == lines
    assert repr([list(row) for row in rows]) == repr(again)


@settings(max_examples=200, deadline=None)
@given(_JSON)
def test_json_has_one_form(value: Any) -> None:
    text = canonical_json(json.dumps(value))
    assert canonical_json(text) == text
    assert canonical_json(json.dumps(value, indent=3, sort_keys=True)) == text
