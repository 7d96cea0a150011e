"""What a plugin says about itself, as a module attribute called `manifest`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from medianest_core.sdk.permissions import Permission

NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]{1,29}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A plugin's name and needs.

    name: unique, lower case; prefixes its routes, jobs, tables, events and permissions.
    api: "MAJOR.MINOR" of the SDK the plugin was written for; the minor may not be newer than the core's.
    permissions: permissions that the plugin's policies use; names start with "<name>.".
    icon: name of an icon from the portal's sprite.
    """

    name: str
    title: str
    api: str
    description: str = ""
    homepage: str = ""
    icon: str = "puzzle"
    permissions: Sequence[Permission] = ()
