"""What an admin enters for TMDB."""

from __future__ import annotations

from pydantic import Field

from medianest_core.sdk import HttpUrl, Secret, ServiceSettings


class TmdbSettings(ServiceSettings):
    """The token, and the language to ask for."""

    access_token: Secret = Field(
        title="API Read Access Token",
        description="The long one, from themoviedb.org under Settings, API. The short API key does not fit here.",
    )
    language: str = Field(
        "en-US",
        title="Language",
        description="Titles and descriptions are asked for in this language.",
        examples=["de-DE"],
        pattern=r"^[a-z]{2}(-[A-Z]{2})?$",
    )
    url: HttpUrl = Field(
        HttpUrl("https://api.themoviedb.org/3"),
        title="Address of the API",
        description="Change it only for a mirror of your own.",
        json_schema_extra={"advanced": True},
    )
    image_url: HttpUrl = Field(
        HttpUrl("https://image.tmdb.org/t/p"),
        title="Address of the images",
        description="Change it only for a mirror of your own.",
        json_schema_extra={"advanced": True},
    )
