"""Exchangeable parts (cache, live, broker), found by name as entry points."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from medianest_core.sdk.errors import MediaNestError

if TYPE_CHECKING:
    from medianest_core.base.redis_link import RedisLink


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


def chosen(group: str, link: RedisLink | None) -> Any:
    """The driver of `group` for this process: what all processes share through Redis, or what lives in this one.

    The shared ones take the link as their first argument. Raises DriverMissing.
    """
    return load_driver(group, "memory") if link is None else partial(load_driver(group, "redis"), link)
