"""The films of a simulated Radarr: what there is in the world, what was added, and the API that is about them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from medianest_arr.simulation import wire
from medianest_arr.simulation.things import DAY, Episode, Film, MediaFile, Series, Transfer, chance, released
from medianest_arr.simulation.wire import Refused, iso, reply
from medianest_arr.simulation.world import QUALITIES, CommandRun, World
from medianest_core.testing.world.titles import MOVIE, Title, elsewhere, household

_AVAILABILITY = ("announced", "inCinemas", "released")


@lru_cache
def known() -> dict[str, Title]:
    """TMDB id → film: all that its source of metadata knows."""
    return {title.ids["tmdb"]: title for title in (*household(MOVIE), *elsewhere(MOVIE))}


class Films(World):
    """Radarr's library."""

    app = "Radarr"
    command_names = frozenset(
        {
            "RefreshMovie",
            "RescanMovie",
            "MoviesSearch",
            "MissingMoviesSearch",
            "CutoffUnmetMoviesSearch",
            "DownloadedMoviesScan",
            "RenameFiles",
            "RenameMovie",
            "RssSync",
            "RefreshMonitoredDownloads",
            "Backup",
            "ApplicationUpdateCheck",
        }
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.roots = {1: "/data/movies"}
        self.films: dict[int, Film] = {}

    def held(self) -> Sequence[Film | Series]:
        return list(self.films.values())

    def fate_key(self, owner: Film | Series) -> str:
        return owner.title.ids["tmdb"]

    def by_tmdb(self, tmdb: str) -> Film | None:
        return next((film for film in self.films.values() if film.title.ids["tmdb"] == tmdb), None)

    def is_available(self, film: Film) -> bool:
        out = released(film.title)
        return self.now >= (out - 100 * DAY if film.availability == "inCinemas" else out) or (
            film.availability in ("announced", "tba")
        )

    def wanted(self, command: CommandRun | None) -> Sequence[tuple[Film | Series, list[Episode]]]:
        ids = set(self.films)
        if command is not None and command.name == "MoviesSearch":
            ids = set(command.body.get("movieIds") or ())
        return [
            (film, [])
            for film in self.films.values()
            if film.id in ids and film.monitored and film.file is None and self.is_available(film)
        ]

    def upgradable(self) -> tuple[Film | Series, list[Episode]] | None:
        films = [film for film in self.films.values() if film.file is not None]
        return (min(films, key=lambda film: film.file.added if film.file else 0), []) if films else None

    def carry_out(self, command: CommandRun) -> None:
        command.message = "Completed"
        ids = command.body.get("movieIds") or [command.body.get("movieId")]
        if command.name in ("RenameFiles", "RenameMovie"):
            for film in [self.films[id] for id in ids if id in self.films]:
                self._rename(film)

    def _rename(self, film: Film) -> None:
        made = film.file
        wish = f"{film.path}/{film.folder} {made.quality if made else ''}.mkv"
        if made is None or made.path == wish:
            return
        before, made.path = made.path, wish
        self.ledger.record("renamed", before=before, after=wish)
        renamed = self._file_told(film, made) | {
            "previousRelativePath": before.removeprefix(film.path).lstrip("/"),
            "previousPath": before,
        }
        self.announce("onRename", "Rename", {**self.movie_told(film), "renamedMovieFiles": [renamed]})

    def add(
        self, title: Title, *, monitored: bool = True, profile: int = 4, added: float | None = None
    ) -> Film:
        """Add a film as a person would have."""
        film = Film(
            self.take(), title, self.now if added is None else added, self.roots[1], profile, monitored
        )
        self.films[film.id] = film
        return film

    def give(self, film: Film, quality: str, added: float) -> None:
        """Let it have a file."""
        size = (24 if quality.endswith("2160p") else 7) * 2**30 + chance("size", film.title.title) % 2**30
        film.file = self.make_file(film, f"{film.path}/{film.folder} {quality}.mkv", size, quality, added)

    def place(self, transfer: Transfer, made: MediaFile) -> None:
        film = transfer.owner
        assert isinstance(film, Film)
        replaced, film.file = film.file, made
        facts = {
            "movieFile": self._file_told(film, made)
            | {"sourcePath": f"/downloads/complete/{transfer.release}"},
            "isUpgrade": replaced is not None,
            "deletedFiles": [self._file_told(film, replaced)] if replaced else None,
            "downloadClient": "SABnzbd",
            "downloadClientType": "SABnzbd",
            "downloadId": transfer.download,
        }
        switch = "onUpgrade" if replaced else "onDownload"
        self.announce(switch, "Download", {**self.told(transfer), **facts})

    def told(self, transfer: Transfer) -> dict[str, Any]:
        assert isinstance(transfer.owner, Film)
        return self.movie_told(transfer.owner)

    def movie_told(self, film: Film) -> dict[str, Any]:
        """The film in a webhook."""
        ids, title = film.title.ids, film.title
        movie = {
            "id": film.id,
            "title": title.title,
            "year": title.year,
            "filePath": film.file.path if film.file else None,
            "releaseDate": wire.day(released(title)),
            "folderPath": film.path,
            "tmdbId": int(ids["tmdb"]),
            "imdbId": ids["imdb"],
            "overview": title.summary,
            "genres": list(title.genres),
            "images": [],
            "tags": [self.tags[tag] for tag in film.tags if tag in self.tags],
            "originalLanguage": {"id": 1, "name": "English"},
        }
        remote = {
            "tmdbId": int(ids["tmdb"]),
            "imdbId": ids["imdb"],
            "title": title.title,
            "year": title.year,
        }
        return {"movie": movie, "remoteMovie": remote}

    def _file_told(self, film: Film, made: MediaFile) -> dict[str, Any]:
        info = made.info()
        return {
            "id": made.id,
            "relativePath": made.path.removeprefix(film.path).lstrip("/"),
            "path": made.path,
            "quality": made.quality,
            "qualityVersion": 1,
            "releaseGroup": made.group,
            "size": made.size,
            "dateAdded": iso(made.added),
            "languages": [{"id": 1, "name": "English"}],
            "mediaInfo": {
                "audioChannels": info["audioChannels"],
                "audioCodec": info["audioCodec"],
                "audioLanguages": ["eng", "deu"],
                "height": made.resolution,
                "videoCodec": info["videoCodec"],
                "videoDynamicRange": info["videoDynamicRange"],
                "videoDynamicRangeType": info["videoDynamicRangeType"],
            },
        }

    def resource(self, title: Title, film: Film | None = None) -> dict[str, Any]:
        """A film as the library shows it, or, where it was not added, as a look-up does."""
        out = released(title)
        cinema = out - 100 * DAY
        status = "released" if self.now >= out else "inCinemas" if self.now >= cinema else "announced"
        shown: dict[str, Any] = {
            "title": title.title,
            "originalTitle": title.title,
            "originalLanguage": {"id": 1, "name": "English"},
            "alternateTitles": [],
            "sortTitle": title.title.lower().removeprefix("the "),
            "sizeOnDisk": film.file.size if film and film.file else 0,
            "status": status,
            "overview": title.summary,
            "inCinemas": iso(cinema),
            "digitalRelease": iso(out),
            "releaseDate": iso(out),
            "images": [{"coverType": "poster", "url": "/MediaCover/0/poster.jpg"}],
            "website": "",
            "year": title.year,
            "studio": title.studio,
            "hasFile": bool(film and film.file),
            "movieFileId": film.file.id if film and film.file else 0,
            "monitored": bool(film and film.monitored),
            "minimumAvailability": film.availability if film else "released",
            "isAvailable": self.is_available(film) if film else status == "released",
            "folderName": film.path if film else "",
            "runtime": title.minutes,
            "cleanTitle": "".join(letter for letter in title.title.lower() if letter.isalnum()),
            "imdbId": title.ids["imdb"],
            "tmdbId": int(title.ids["tmdb"]),
            "titleSlug": title.ids["tmdb"],
            "folder": f"{title.title} ({title.year})",
            "certification": title.content_rating,
            "genres": list(title.genres),
            "keywords": [],
            "tags": list(film.tags) if film else [],
            "added": iso(film.added) if film else "0001-01-01T00:00:00Z",
            "ratings": {"tmdb": {"votes": 1200, "value": title.rating, "type": "user"}},
            "popularity": round(title.rating * 3, 2),
            "qualityProfileId": film.profile if film else 0,
        }
        if film is None:
            return shown | {"remotePoster": ""}
        shown |= {
            "path": film.path,
            "rootFolderPath": film.root,
            "lastSearchTime": iso(film.searched),
            "statistics": {
                "movieFileCount": int(film.file is not None),
                "sizeOnDisk": film.file.size if film.file else 0,
                "releaseGroups": [film.file.group] if film.file else [],
            },
            "id": film.id,
        }
        if film.file is not None:
            shown["movieFile"] = film.file.resource({"movieId": film.id}, film.path)
        return shown

    # The API

    async def listed(self, request: Request) -> Response:
        tmdb = wire.text_of(request, "tmdbId")
        return reply(
            [
                self.resource(film.title, film)
                for film in self.films.values()
                if tmdb in ("", film.title.ids["tmdb"])
            ]
        )

    async def one(self, request: Request) -> Response:
        film = self.find(self.films, await wire.id_of(request))
        if request.method == "PUT":
            return self._changed(film, await wire.obj(request))
        if request.method == "DELETE":
            del self.films[film.id]
            files = wire.truth(request, "deleteFiles")
            self.transfers = [one for one in self.transfers if one.owner is not film]
            self.ledger.record("movie.deleted", title=film.title.title, files=files)
            self.announce("onMovieDelete", "MovieDelete", {**self.movie_told(film), "deletedFiles": files})
            return reply({})
        return reply(self.resource(film.title, film))

    def _changed(self, film: Film, body: dict[str, Any]) -> Response:
        self._refuse_choices(body)
        before = film.monitored
        film.monitored = bool(body.get("monitored"))
        film.profile = int(body.get("qualityProfileId", film.profile))
        film.tags = [int(tag) for tag in body.get("tags") or ()]
        film.availability = str(body.get("minimumAvailability", film.availability))
        self.ledger.record(
            "movie.changed", title=film.title.title, monitored=film.monitored, was_monitored=before
        )
        return reply(self.resource(film.title, film), 202)

    async def added(self, request: Request) -> Response:
        body = await wire.obj(request)
        tmdb = str(body.get("tmdbId") or "")
        self._refuse_choices(body)
        root = str(body.get("rootFolderPath") or "").rstrip("/")
        if root not in self.roots.values() and not body.get("path"):
            raise Refused(
                wire.invalid("RootFolderPath", "Root folder does not exist", "RootFolderExistsValidator")
            )
        if self.by_tmdb(tmdb) is not None:
            message = "This movie has already been added"
            raise Refused(wire.invalid("TmdbId", message, "MovieExistsValidator", int(tmdb)))
        title = known().get(tmdb)
        if title is None:
            raise Refused(
                wire.invalid("TmdbId", "A movie with this ID was not found.", "", tmdb and int(tmdb))
            )
        film = self.add(
            title, monitored=bool(body.get("monitored", True)), profile=int(body["qualityProfileId"])
        )
        film.root = root or film.root
        film.tags = [int(tag) for tag in body.get("tags") or ()]
        wish = body.get("minimumAvailability")
        film.availability = wish if wish in _AVAILABILITY else "announced"
        self.ledger.record("movie.added", title=title.title, tmdb=tmdb, monitored=film.monitored)
        self.queue_command("RefreshMovie", {"movieIds": [film.id]}, "manual")
        if (body.get("addOptions") or {}).get("searchForMovie"):
            self.queue_command("MoviesSearch", {"movieIds": [film.id]}, "manual", delay=0.5)
        method = {"addMethod": (body.get("addOptions") or {}).get("addMethod", "manual")}
        self.announce("onMovieAdded", "MovieAdded", {**self.movie_told(film), **method})
        location = {"Location": f"/api/v3/movie/{film.id}"}
        return reply(self.resource(title, film), 201, location)

    def _refuse_choices(self, body: dict[str, Any]) -> None:
        profile = body.get("qualityProfileId")
        if not isinstance(profile, int) or profile not in self.profiles:
            message = "Quality Profile does not exist"
            raise Refused(wire.invalid("QualityProfileId", message, "QualityProfileExistsValidator", profile))

    async def looked_up(self, request: Request) -> Response:
        term = wire.text_of(request, "term").strip()
        provider, _, rest = term.partition(":")
        if provider == "tmdb":
            found = [known()[rest]] if rest in known() else []
        elif provider == "imdb":
            found = [title for title in known().values() if title.ids["imdb"] == rest]
        else:
            found = [title for title in known().values() if term and term.lower() in title.title.lower()][:20]
        return reply([self.resource(title, self.by_tmdb(title.ids["tmdb"])) for title in found])

    async def looked_up_by(self, request: Request) -> Response:
        provider = str(request.path_params["provider"])
        wish = wire.text_of(request, f"{provider}Id")
        for title in known().values():
            if title.ids.get(provider) == wish:
                return reply(self.resource(title, self.by_tmdb(title.ids["tmdb"])))
        raise Refused(wire.failure(404, f"Movie with {provider} id {wish} was not found"))

    async def files(self, request: Request) -> Response:
        movie = wire.number(request, "movieId")
        return reply(
            [
                film.file.resource({"movieId": film.id}, film.path)
                for film in self.films.values()
                if film.file and movie in (0, film.id)
            ]
        )

    async def file(self, request: Request) -> Response:
        id = int(request.path_params["id"])
        film = next((one for one in self.films.values() if one.file and one.file.id == id), None)
        if film is None or film.file is None:
            raise Refused(wire.problem(404, "Not Found"))
        if request.method == "DELETE":
            gone, film.file = film.file, None
            self.ledger.record("file.deleted", path=gone.path)
            facts = {**self.movie_told(film), "movieFile": self._file_told(film, gone)}
            self.announce("onMovieFileDelete", "MovieFileDelete", {**facts, "deleteReason": "manual"})
            return reply({})
        return reply(film.file.resource({"movieId": film.id}, film.path))

    def calendar(self, start: float, end: float, unmonitored: bool) -> list[dict[str, Any]]:
        """Films that appear in this time."""
        found = []
        for film in self.films.values():
            out = released(film.title)
            if (film.monitored or unmonitored) and any(start <= at <= end for at in (out, out - 100 * DAY)):
                found.append(self.resource(film.title, film))
        return found

    def fill(self, items: int) -> None:
        """A household that already has most of its films, wants some, and has some on the way."""
        now = self.now
        for number, title in enumerate(household(MOVIE)[:items]):
            film = self.add(title, profile=(4, 4, 5, 6)[number % 4], added=now - (number * 0.6 + 1) * DAY)
            self.give(film, QUALITIES[film.profile], film.added + 3600)
