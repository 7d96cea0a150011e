"""What an admin sets for one instance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, field_validator

from medianest_core.sdk.settings import HttpUrl, Secret, ServiceSettings
from medianest_youtube.cookies import cookie_problem
from medianest_youtube.links import YOUTUBE_SITES, site_problem

_YOUTUBE_HOSTS = tuple(
    f"*.{domain}:443"
    for domain in (
        *YOUTUBE_SITES,
        "googlevideo.com",
        "ytimg.com",
        "ggpht.com",
        "googleapis.com",
        "google.com",
    )
)


class YoutubeSettings(ServiceSettings):
    sites: Annotated[
        list[str],
        Field(
            min_length=1,
            max_length=50,
            title="Allowed sites",
            description="Only addresses of these sites can be pasted; subdomains count. yt-dlp understands many more than YouTube.",
            examples=["youtube.com", "vimeo.com"],
        ),
    ] = ["youtube.com", "youtu.be"]  # noqa: RUF012  # pydantic copies defaults
    concurrent: Annotated[
        int, Field(ge=1, le=8, title="Downloads at once", description="Over all users together.")
    ] = 2
    submissions_per_hour: Annotated[
        int, Field(ge=1, le=1000, title="Submissions an hour", description="For each user.")
    ] = 5
    playlist_limit: Annotated[
        int,
        Field(
            ge=1,
            le=5000,
            title="Longest playlist",
            description="Of longer playlists and channels only the first items are offered.",
        ),
    ] = 500
    max_gigabytes: Annotated[
        int, Field(ge=1, le=1000, title="Largest item", description="In GB. Larger ones are refused.")
    ] = 20
    megabits_per_second: Annotated[
        int | None,
        Field(
            ge=1,
            le=10000,
            title="Speed limit",
            description="In megabits a second for each download; empty for none.",
            json_schema_extra={"advanced": True},
        ),
    ] = None
    automatic_captions: Annotated[
        bool,
        Field(
            title="Automatic captions",
            description="Also take captions that the site made by machine.",
            json_schema_extra={"advanced": True},
        ),
    ] = False
    cookies: Annotated[
        Secret | None,
        Field(
            title="Cookies",
            description="The content of a cookies.txt of a signed-in browser, for videos the site shows only to people it knows.",
            json_schema_extra={"multiline": True, "advanced": True},
        ),
    ] = None
    home_sites: Annotated[
        list[HttpUrl],
        Field(
            max_length=20,
            title="Sites on the home network",
            description="Addresses of video sites at home that may be reached although they are private.",
            examples=["http://peertube.lan:9000"],
            json_schema_extra={"advanced": True},
        ),
    ] = []  # noqa: RUF012  # pydantic copies defaults
    site_url: Annotated[
        HttpUrl | None,
        Field(
            title="Simulated site",
            description="Address of a simulated video site that answers instead of YouTube. Leave empty.",
            json_schema_extra={"advanced": True},
        ),
    ] = None

    @field_validator("sites")
    @classmethod
    def _plain_names(cls, sites: list[str]) -> list[str]:
        names = list(dict.fromkeys(site.strip().lower() for site in sites if site.strip()))
        for name in names:
            if (problem := site_problem(name)) is not None:
                raise ValueError(problem)
        if not names:
            raise ValueError("Name at least one site.")
        return names

    @field_validator("cookies")
    @classmethod
    def _usable_cookies(cls, cookies: Secret | None) -> Secret | None:
        if not cookies:
            return None
        if (problem := cookie_problem(cookies.reveal())) is not None:
            raise ValueError(problem)
        return cookies

    def hosts(self) -> Sequence[str]:
        """For YouTube its own hosts; where other sites are allowed any public host, for nobody knows where their films lie."""
        entered = super().hosts()
        if self.site_url is not None:
            return entered
        if self.only_youtube():
            return [*entered, *_YOUTUBE_HOSTS]
        return [*entered, "*"]

    def only_youtube(self) -> bool:
        return self.site_url is not None or all(_is_youtube(site) for site in self.sites)

    def home_hosts(self) -> Sequence[str]:
        """ "host:port" of each site on the home network."""
        return [f"{site.host}:{site.port}" for site in self.home_sites]


def _is_youtube(site: str) -> bool:
    return any(site == one or site.endswith(f".{one}") for one in YOUTUBE_SITES)
