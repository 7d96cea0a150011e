"""Broken plugins beside a good one: each is named with its reason, and nothing else suffers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from medianest_core.host.hookcaller import Hooks
from medianest_core.host.lifecycle import StrictFailure
from medianest_core.host.stages import Stages
from medianest_core.host.states import PluginState

from .conftest import House, Install

GOOD = """
from medianest_core.sdk import Manifest
manifest = Manifest("good", title="Good", api="1.0")
"""

CASES = {
    "raises": (PluginState.IMPORT_FAILED, "AssertionError: this plugin expects another world"),
    "exits": (PluginState.IMPORT_FAILED, "tried to end the process"),
    "os_exits": (PluginState.IMPORT_FAILED, "ended the process (exit code 0)"),
    "hangs": (PluginState.IMPORT_FAILED, "did not end within 2 seconds"),
    "syntax_error": (PluginState.IMPORT_FAILED, "SyntaxError"),
    "bad_manifest": (PluginState.INVALID, 'called "someone_else"'),
    "misspelled": (PluginState.INVALID, "Did you mean register_contributions?"),
    "colliding_route": (PluginState.INVALID, "there are two of it"),
    "async_register": (PluginState.INVALID, 'on_startup must be "async def"'),
    "wrong_major": (PluginState.INCOMPATIBLE, "written for plugin API 9"),
    "needs_newer": (PluginState.INCOMPATIBLE, "needs MediaNest >=99"),
}


def quick(house: House) -> Callable[[Hooks], Stages]:
    return lambda hooks: Stages(house.data_dir, hooks, per_plugin=2.0)


async def test_all_at_once(house: House, install: Install, broken: Callable[..., None]) -> None:
    install("good", GOOD)
    broken(*CASES, "twin_a", "twin_b")
    async with house.host(stages=quick(house)) as host:
        good = host.registry.plugin("good")
        assert good is not None and good.state is PluginState.ACTIVE
        for name, (state, reason) in CASES.items():
            info = host.registry.plugin(name)
            assert info is not None, name
            assert info.state is state, (name, info)
            assert reason in info.reason, (name, info.reason)
            assert host.registry.declarations(name) is None
        twin = host.registry.plugin("twin")
        assert twin is not None and twin.state is PluginState.CONFLICT
        assert "medianest-twin-a and medianest-twin-b" in twin.reason.replace("_", "-")
        names = [plugin.name for plugin in host.registry.plugins()]
        assert len(names) == len(set(names))


async def test_verdicts_are_remembered_until_the_code_changes(
    house: House, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = install("later", "raise ValueError('not yet')")
    async with house.host() as host:
        info = host.registry.plugin("later")
        assert info is not None and "not yet" in info.reason and "ValueError" in info.trace

    def must_not_run(plugins: Sequence[object], **_: object) -> None:
        raise AssertionError(f"probed again: {plugins}")

    with monkeypatch.context() as patch:
        patch.setattr("medianest_core.host.stages.probe", must_not_run)
        async with house.host() as host:
            info = host.registry.plugin("later")
            assert info is not None and info.state is PluginState.IMPORT_FAILED
    path.write_text(GOOD.replace("good", "later"))
    async with house.host() as host:
        info = host.registry.plugin("later")
        assert info is not None and info.state is PluginState.ACTIVE


async def test_retry_tries_again(house: House, install: Install, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    install(
        "moody",
        f"import pathlib\nassert pathlib.Path({str(flag)!r}).exists(), 'no flag'\n"
        + GOOD.replace("good", "moody"),
    )
    async with house.host() as host:
        info = host.registry.plugin("moody")
        assert info is not None and info.state is PluginState.IMPORT_FAILED
        flag.touch()
        seen: list[str] = []
        host.on_change(lambda plugin, declared: seen.append(plugin))
        assert (await host.retry("moody", None)).state is PluginState.ACTIVE
        assert seen == ["moody"]


async def test_strict_mode_fails_the_start(house: House, broken: Callable[..., None]) -> None:
    broken("misspelled")
    with pytest.raises(StrictFailure, match="misspelled"):
        async with house.host(plugins_strict=True):
            pass


async def test_safe_mode_starts_none(house: House, install: Install) -> None:
    install("good", GOOD)
    async with house.host(safe_mode=True) as host:
        info = host.registry.plugin("good")
        assert info is not None
        assert (info.state, info.reason) == (PluginState.DISABLED, "The portal runs in safe mode.")


async def test_switching_off_and_on(house: House, install: Install) -> None:
    install("good", GOOD)
    async with house.host() as host:
        assert (await host.set_enabled("good", False, None)).state is PluginState.DISABLED
        assert host.registry.declarations("good") is None
    async with house.host() as host:
        info = host.registry.plugin("good")
        assert info is not None and info.state is PluginState.DISABLED
        assert (await host.set_enabled("good", True, None)).state is PluginState.ACTIVE


async def test_a_plugin_that_killed_the_last_start_is_suspended(house: House, install: Install) -> None:
    install("good", GOOD)
    install("killer", GOOD.replace("good", "killer"))
    async with house.host() as host:
        found = host._found["killer"]
    from medianest_core.host.bootmark import BootMark
    from medianest_core.host.stamps import code_stamp

    mark = BootMark(house.data_dir)
    mark.starting(found, code_stamp(found))
    text = (house.data_dir / "plugins-boot.json").read_text()
    (house.data_dir / "plugins-boot.json").write_text(text.replace('"pid": ', '"pid": 99999'))
    async with house.host() as host:
        killer, good = host.registry.plugin("killer"), host.registry.plugin("good")
        assert killer is not None and killer.state is PluginState.SUSPENDED
        assert "ended the process" in killer.reason
        assert good is not None and good.state is PluginState.ACTIVE
        assert (await host.retry("killer", None)).state is PluginState.ACTIVE
    async with house.host() as host:
        killer = host.registry.plugin("killer")
        assert killer is not None and killer.state is PluginState.ACTIVE


async def test_a_distribution_with_damaged_metadata_hides_no_other(house: House, install: Install) -> None:
    path = install("good", GOOD)
    info = path.parent / "damaged-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: damaged\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[medianest.plugins.v1]\nthis is no entry point\n")
    async with house.host() as host:
        damaged, good = host.registry.plugin("damaged"), host.registry.plugin("good")
        assert good is not None and good.state is PluginState.ACTIVE
        assert damaged is not None and "cannot be read" in damaged.reason
