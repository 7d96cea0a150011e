"""What an admin fills in."""

from __future__ import annotations

from pydantic import Field

from medianest_core.sdk import HttpUrl, Secret, ServiceSettings


class NtfySettings(ServiceSettings):
    url: HttpUrl = Field(HttpUrl("https://ntfy.sh"), description="The public server, or one of your own.")
    token: Secret = Field(Secret(""), title="Access token", description="Where the server asks for one.")
