"""What is learnt of broken plugins and what becomes of them: verdicts, retries, strict and safe mode, suspension."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from medianest_core.host import lifecycle
from medianest_core.host.lifecycle import StrictFailure
from medianest_core.host.stages import Stages
from medianest_core.host.states import PluginState

from .conftest import House, Install

GOOD = """
from medianest_core.sdk import Manifest
manifest = Manifest("good", title="Good", api="1.0")
"""


HUNG = """
import threading
from medianest_core.sdk import Manifest, hookimpl
manifest = Manifest("hung", title="Hung", api="1.0")
released = threading.Event()
@hookimpl
def register_contributions():
    released.wait()
    return []
"""


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


# What it held up ends with the process; here that is let go of.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.full
async def test_one_that_hangs_while_it_is_asked_what_it_brings(
    house: House, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "Stages", partial(Stages, deadline=20.0))
    install("good", GOOD)
    module = install("hung", HUNG).stem
    async with house.host() as host:
        try:
            states = {name: host.registry.plugin(name) for name in ("good", "hung")}
            assert states["good"] is not None and states["good"].state is PluginState.ACTIVE
            assert states["hung"] is not None and states["hung"].state is PluginState.IMPORT_FAILED
            assert "asking what it brings took too long" in states["hung"].reason
        finally:
            sys.modules[module].released.set()


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


async def test_an_admin_starts_and_ends_safe_mode(house: House, install: Install) -> None:
    install("good", GOOD)
    async with house.host() as host:
        assert not host.safe_mode
        await host.set_safe_mode(True, None)
        good = host.registry.plugin("good")
        assert host.safe_mode and not host.safe_mode_fixed and good is not None
        assert (good.state, good.reason) == (PluginState.DISABLED, "The portal runs in safe mode.")
        assert good.enabled and host.registry.declarations("good") is None
        builtin = [info for info in host.registry.plugins() if info.builtin]
        assert builtin and all(info.state.running for info in builtin)
    async with house.host() as host:
        good = host.registry.plugin("good")
        assert host.safe_mode and good is not None and good.state is PluginState.DISABLED
        # Who is at fault is found by switching off while nobody can do harm.
        assert (await host.set_enabled("good", False, None)).reason == "Switched off."
        await host.set_safe_mode(False, None)
        good = host.registry.plugin("good")
        assert not host.safe_mode and good is not None
        assert (good.state, good.enabled) == (PluginState.DISABLED, False)
        assert (await host.set_enabled("good", True, None)).state is PluginState.ACTIVE


async def test_safe_mode_of_one_process_is_that_of_all(house: House, install: Install) -> None:
    install("good", GOOD)
    async with house.host() as first, house.host() as second:
        await first.set_safe_mode(True, None)
        await second._follower.look()
        good = second.registry.plugin("good")
        assert second.safe_mode and good is not None and good.state is PluginState.DISABLED
        await second.set_safe_mode(False, None)
        await first._follower.look()
        good = first.registry.plugin("good")
        assert not first.safe_mode and good is not None and good.state is PluginState.ACTIVE


async def test_a_plugin_that_is_set_aside_comes_back(house: House, install: Install) -> None:
    install("good", GOOD)
    async with house.host() as host:
        await host.set_aside("good", "It held up everybody.", for_good=False)
        good = host.registry.plugin("good")
        assert good is not None and good.state is PluginState.SUSPENDED
        await host.try_again("good")
        good = host.registry.plugin("good")
        assert good is not None and good.state is PluginState.ACTIVE
        await host.set_aside("good", "It held up everybody.", for_good=True)
    async with house.host() as host:
        good = host.registry.plugin("good")
        assert good is not None and (good.state, good.reason) == (
            PluginState.SUSPENDED,
            "It held up everybody.",
        )
        assert (await host.retry("good", None)).state is PluginState.ACTIVE


async def test_who_blocked_a_portal_that_was_killed_is_not_started_again(
    house: House, install: Install
) -> None:
    install("good", GOOD)
    async with house.host() as host:
        host.mark_blocking("good")
        marked = (house.data_dir / "plugins-boot.json").read_text()
        host.unmark()
    (house.data_dir / "plugins-boot.json").write_text(marked.replace('"pid": ', '"pid": 99999'))
    async with house.host() as host:
        good = host.registry.plugin("good")
        assert good is not None and good.state is PluginState.SUSPENDED
        assert good.reason == "It held up the whole portal until that was ended. Update it, or retry."


async def test_mistakes_reach_the_rows_and_other_processes(
    house: House, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medianest_core.host.lifecycle.TOLD_EVERY", 0.01)
    install("good", GOOD)
    async with house.host() as first, house.host() as second:
        first.faults.note("good", "/p/good/", ValueError("no such film"))
        async with asyncio.timeout(60):
            while not (told := await second.elsewhere("good")):
                await asyncio.sleep(0.02)
        assert told[0].process == first.process and told[0].plugin == "good"
        assert told[0].fault.sentence() == "It works, but made a mistake (/p/good/): ValueError: no such film"
        assert "ValueError" in told[0].fault.trace and await first.elsewhere() == []
