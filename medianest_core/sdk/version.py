"""The version of the plugin API that this core offers."""

from medianest_core.sdk.markers import API_MAJOR, API_MINOR
from medianest_core.sdk.texts import N_

API_VERSION = f"{API_MAJOR}.{API_MINOR}"


def compatible(api: str) -> str | None:
    """None where a plugin written for `api` runs here, else the reason in words."""
    major, _, minor = api.partition(".")
    if not (major.isdigit() and minor.isdigit()):
        return N_('The manifest says api="{api}"; it must look like "{offered}".').format(
            api=api, offered=API_VERSION
        )
    if int(major) != API_MAJOR:
        return N_("It is written for plugin API {api}; this portal offers {offered}.").format(
            api=api, offered=API_VERSION
        )
    if int(minor) > API_MINOR:
        return N_("It needs plugin API {api}; this portal offers {offered}. Update MediaNest.").format(
            api=api, offered=API_VERSION
        )
    return None
