"""The two markers of the hook system, and the API version a plugin is written against."""

import pluggy

PROJECT = "medianest"
API_MAJOR = 1
API_MINOR = 0
ENTRY_POINT_GROUP = f"medianest.plugins.v{API_MAJOR}"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
