"""Exchangeable parts (cache, live, broker), found by name as entry points."""

from __future__ import annotations

from typing import Any

from medianest_core.sdk.errors import MediaNestError


class DriverMissing(MediaNestError):
    """No installed distribution offers the driver."""


def load_driver(group: str, name: str) -> Any:
    """The object that the entry point `name` of `group` names. Raises DriverMissing."""
    from stevedore import DriverManager
    from stevedore.exception import NoMatches

    try:
        return DriverManager(group, name, invoke_on_load=False).driver
    except (NoMatches, RuntimeError) as error:
        raise DriverMissing(f'There is no driver "{name}" for {group}.') from error
