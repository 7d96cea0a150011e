"""A plugin with a hook that does not exist."""

from medianest_core.sdk import Manifest, hookimpl

manifest = Manifest("misspelled", title="Misspelled", api="1.0")


@hookimpl
def register_contribution() -> list[object]:
    return []
