"""The version of the plugin API that this core offers."""

from medianest_core.sdk.markers import API_MAJOR, API_MINOR

API_VERSION = f"{API_MAJOR}.{API_MINOR}"


def compatible(api: str) -> str | None:
    """None where a plugin written for `api` runs here, else the reason in words."""
    major, _, minor = api.partition(".")
    if not (major.isdigit() and minor.isdigit()):
        return f'The manifest says api="{api}"; it must look like "{API_VERSION}".'
    if int(major) != API_MAJOR:
        return f"It is written for plugin API {api}; this portal offers {API_VERSION}."
    if int(minor) > API_MINOR:
        return f"It needs plugin API {api}; this portal offers {API_VERSION}. Update MediaNest."
    return None
