"""A plugin that declares asynchronously, and starts up synchronously."""

from medianest_core.sdk import Manifest, PluginContext, hookimpl

manifest = Manifest("async_register", title="Wrong colours", api="1.0")


@hookimpl
async def register_contributions() -> list[object]:
    return []


@hookimpl
def on_startup(context: PluginContext) -> None:
    return None
