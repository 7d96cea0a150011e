"""What an admin fills in: where the file is."""

from __future__ import annotations

from pydantic import Field

from medianest_core.sdk import ServiceSettings


class BoardSettings(ServiceSettings):
    path: str = Field(
        min_length=1,
        title="File",
        description="The YAML file on the portal's own disk.",
        examples=["/srv/status.yaml"],
    )
