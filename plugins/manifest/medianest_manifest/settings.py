"""What an admin enters for one file server."""

from __future__ import annotations

from pydantic import Field

from medianest_core.sdk import N_, HttpUrl, Secret, ServiceSettings


class ManifestSettings(ServiceSettings):
    """Where the files and their manifests are, and how to be let in."""

    url: HttpUrl = Field(
        title=N_("Address of the files"),
        description=N_("Where the web server answers, as people's browsers reach it."),
        examples=["https://files.example.org"],
    )
    prefix: str = Field(
        "",
        title=N_("Folder"),
        description=N_("What stands before all paths on that server, where the media are not at its root."),
        examples=["/media"],
        max_length=500,
    )
    username: str = Field("", title=N_("User name"), description=N_("Where the server asks for one."))
    password: Secret | None = Field(None, title=N_("Password"), description=N_("Of that user."))
    token: Secret | None = Field(
        None,
        title=N_("Access token"),
        description=N_("Sent as a bearer token, for servers that want that instead of a password."),
    )
    manifests: HttpUrl | None = Field(
        None,
        title=N_("Address of the manifests"),
        description=N_("Where the lists are, if not beside the files."),
        json_schema_extra={"advanced": True},
    )
    movies: str = Field(
        "/media/movies",
        title=N_("List of films"),
        description=N_("Its path below the address of the manifests. Empty where there are no films."),
        max_length=500,
        json_schema_extra={"advanced": True},
    )
    tv: str = Field(
        "/media/tv",
        title=N_("List of series"),
        description=N_("Its path below the address of the manifests. Empty where there are no series."),
        max_length=500,
        json_schema_extra={"advanced": True},
    )
    internal: HttpUrl | None = Field(
        None,
        title=N_("Internal address"),
        description=N_(
            "How this portal reaches the same server, where that is another way than people's browsers take."
        ),
        examples=["http://192.168.1.30:8080"],
        json_schema_extra={"advanced": True},
    )
