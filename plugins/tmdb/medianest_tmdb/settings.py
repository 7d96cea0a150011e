"""What an admin enters for TMDB."""

from __future__ import annotations

from pydantic import Field

from medianest_core.sdk import N_, HttpUrl, Secret, ServiceSettings


class TmdbSettings(ServiceSettings):
    """The token, and the language to ask for."""

    access_token: Secret = Field(
        title=N_("API Read Access Token"),
        description=N_(
            "The long one, from themoviedb.org under Settings, API. The short API key does not fit here."
        ),
    )
    language: str = Field(
        "en-US",
        title=N_("Language"),
        description=N_(
            "Of titles and descriptions that are kept with the library. What people search and browse comes in their own language."
        ),
        examples=["de-DE"],
        pattern=r"^[a-z]{2}(-[A-Z]{2})?$",
    )
    url: HttpUrl = Field(
        HttpUrl("https://api.themoviedb.org/3"),
        title=N_("Address of the API"),
        description=N_("Change it only for a mirror of your own."),
        json_schema_extra={"advanced": True},
    )
    image_url: HttpUrl = Field(
        HttpUrl("https://image.tmdb.org/t/p"),
        title=N_("Address of the images"),
        description=N_("Change it only for a mirror of your own."),
        json_schema_extra={"advanced": True},
    )

    def image_base(self) -> str:
        """Address of the image host, without a trailing slash."""
        return str(self.image_url).rstrip("/")

    def spoken(self, language: str) -> str:
        """How TMDB is asked for a reader's language: with the country of the setting where it is of that language."""
        tongue = language.replace("_", "-")
        return self.language if self.language.partition("-")[0] == tongue else tongue
