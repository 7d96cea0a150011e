"""What can be said of a thing that is watched."""

from __future__ import annotations

from enum import StrEnum

from medianest_core.host.instance import InstanceInfo
from medianest_core.host.states import InstanceState
from medianest_core.sdk.status import Item


class State(StrEnum):
    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"
    PAUSED = "paused"
    MAINTENANCE = "maintenance"


_OWN = {
    InstanceState.READY: State.UP,
    InstanceState.RETRYING: State.DOWN,
    InstanceState.NEEDS_REAUTH: State.DOWN,
    InstanceState.FAILED: State.DOWN,
    InstanceState.SUSPENDED: State.DOWN,
    InstanceState.CLOSED: State.PAUSED,
}


def of_instance(info: InstanceInfo) -> State | None:
    """The state of a configured service; None while it is being set up, when what was known before still stands."""
    return _OWN.get(info.state)


def of_item(item: Item) -> State:
    """The state of what a provider reports."""
    if item.maintenance:
        return State.MAINTENANCE
    if item.up is None:
        return State.PAUSED
    return State.UP if item.up else State.DOWN
