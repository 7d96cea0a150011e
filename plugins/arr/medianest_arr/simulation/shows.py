"""The series of a simulated Sonarr: what there is in the world, what was added, and the API that is about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from medianest_arr.simulation import wire
from medianest_arr.simulation.things import (
    DAY,
    Episode,
    Film,
    MediaFile,
    Series,
    Transfer,
    chance,
    episodes_of,
    released,
)
from medianest_arr.simulation.wire import Refused, iso, reply
from medianest_arr.simulation.world import QUALITIES, CommandRun, World
from medianest_core.testing.world.titles import SHOW, Title, elsewhere, household


@lru_cache
def known() -> dict[str, Title]:
    """TVDB id → series: all that its source of metadata knows."""
    return {title.ids["tvdb"]: title for title in (*household(SHOW), *elsewhere(SHOW))}


class Shows(World):
    """Sonarr's library."""

    app = "Sonarr"
    command_names = frozenset(
        {
            "RefreshSeries",
            "RescanSeries",
            "SeriesSearch",
            "SeasonSearch",
            "EpisodeSearch",
            "MissingEpisodeSearch",
            "CutoffUnmetEpisodeSearch",
            "DownloadedEpisodesScan",
            "RenameFiles",
            "RenameSeries",
            "RssSync",
            "RefreshMonitoredDownloads",
            "Backup",
            "ApplicationUpdateCheck",
        }
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.roots = {1: "/data/tv"}
        self.series: dict[int, Series] = {}

    def held(self) -> Sequence[Film | Series]:
        return list(self.series.values())

    def fate_key(self, owner: Film | Series) -> str:
        return owner.title.ids["tvdb"]

    def by_tvdb(self, tvdb: str) -> Series | None:
        return next((one for one in self.series.values() if one.title.ids["tvdb"] == tvdb), None)

    def episode_table(self) -> dict[int, tuple[Series, Episode]]:
        """Id → series and episode."""
        return {
            episode.id: (series, episode) for series in self.series.values() for episode in series.episodes
        }

    def wanted(self, command: CommandRun | None) -> Sequence[tuple[Film | Series, list[Episode]]]:
        name, body = ("", {}) if command is None else (command.name, command.body)
        found: list[tuple[Film | Series, list[Episode]]] = []
        chosen = set(body.get("episodeIds") or ()) if name == "EpisodeSearch" else None
        for series in self.series.values():
            if not series.monitored and chosen is None:
                continue
            if "seriesId" in body and series.id != body["seriesId"]:
                continue
            for season in sorted({one.season for one in series.episodes}):
                if name == "SeasonSearch" and season != body.get("seasonNumber"):
                    continue
                missing = [
                    one
                    for one in series.episodes
                    if one.season == season
                    and one.file is None
                    and one.aired <= self.now
                    and (one.id in chosen if chosen is not None else one.monitored)
                ]
                whole = len(missing) > 2 and chosen is None
                found += [(series, missing)] if whole else [(series, [one]) for one in missing]
        return found

    def upgradable(self) -> tuple[Film | Series, list[Episode]] | None:
        rows = [
            (episode.file.added, series, episode)
            for series in self.series.values()
            for episode in series.episodes
            if episode.file is not None
        ]
        if not rows:
            return None
        _, series, episode = min(rows, key=lambda row: row[0])
        return series, [episode]

    def carry_out(self, command: CommandRun) -> None:
        command.message = "Completed"
        series = self.series.get(int(command.body.get("seriesId") or 0))
        if command.name == "RefreshSeries" and series is not None:
            self.refresh(series)
        if command.name in ("RenameFiles", "RenameSeries") and series is not None:
            self._rename(series)

    def _rename(self, series: Series) -> None:
        renamed = []
        for one in series.episodes:
            made = one.file
            if made is None:
                continue
            name = f"{series.folder} S{one.season:02d}E{one.number:02d} {made.quality}.mkv"
            wish = f"{series.path}/Season {one.season:02d}/{name}"
            if made.path != wish:
                before, made.path = made.path, wish
                renamed.append(self._file_told(series, made) | {"previousPath": before})
        if renamed:
            self.ledger.record("renamed", count=len(renamed))
            facts = {**self.series_told(series, ()), "renamedEpisodeFiles": renamed}
            self.announce("onRename", "Rename", facts)

    def refresh(self, series: Series) -> None:
        """Learn the episodes; new ones are monitored as their season is."""
        if series.refreshed:
            return
        series.refreshed = True
        for season, number, name, aired in episodes_of(series.title):
            id = self.take()
            monitored = series.seasons.get(season, False)
            series.episodes.append(Episode(id, 5_000_000 + id, season, number, name, aired, monitored))

    def add(self, title: Title, *, monitored: bool = True, added: float | None = None) -> Series:
        """Add a series as a person would have, with all its seasons."""
        series = Series(self.take(), title, self.now if added is None else added, self.roots[1], 4, monitored)
        series.seasons = dict.fromkeys(range(1, title.seasons + 1), monitored)
        self.series[series.id] = series
        return series

    def give(self, series: Series, episodes: Iterable[Episode], added: float) -> None:
        """Let some episodes have files."""
        for one in episodes:
            quality = QUALITIES[series.profile]
            name = f"{series.folder} S{one.season:02d}E{one.number:02d} {quality}.mkv"
            size = 2 * 2**30 + chance("size", name) % 2**29
            path = f"{series.path}/Season {one.season:02d}/{name}"
            one.file = self.make_file(series, path, size, quality, added + one.number)

    def place(self, transfer: Transfer, made: MediaFile) -> None:
        series = transfer.owner
        assert isinstance(series, Series)
        common = {
            "downloadClient": "SABnzbd",
            "downloadClientType": "SABnzbd",
            "downloadId": transfer.download,
        }
        told = []
        for number, one in enumerate(transfer.episodes):
            replaced = one.file
            path = f"{series.path}/Season {one.season:02d}/{transfer.release} E{one.number:02d}.mkv"
            one.file = (
                made if not number else self.make_file(series, path, made.size, made.quality, made.added)
            )
            one.file.path = path
            told.append(self._file_told(series, one.file))
            facts = {"episodeFile": told[-1] | {"sourcePath": f"/downloads/complete/{transfer.release}"}}
            deleted = [self._file_told(series, replaced)] if replaced else None
            switch = "onUpgrade" if replaced else "onDownload"
            body = {**self.series_told(series, [one]), **facts, **common}
            self.announce(switch, "Download", {**body, "isUpgrade": bool(replaced), "deletedFiles": deleted})
        # The same type again, with other fields, once all of a download is in.
        whole = {
            "episodeFiles": told,
            "fileCount": len(told),
            "sourcePath": f"/downloads/complete/{transfer.release}",
            "destinationPath": series.path,
        }
        body = {**self.series_told(series, transfer.episodes), **whole, **common}
        self.announce("onImportComplete", "Download", body)

    def told(self, transfer: Transfer) -> dict[str, Any]:
        assert isinstance(transfer.owner, Series)
        return self.series_told(transfer.owner, transfer.episodes)

    def series_told(self, series: Series, episodes: Sequence[Episode]) -> dict[str, Any]:
        """The series and episodes in a webhook."""
        ids, title = series.title.ids, series.title
        return {
            "series": {
                "id": series.id,
                "title": title.title,
                "titleSlug": self._slug(title),
                "path": series.path,
                "tvdbId": int(ids["tvdb"]),
                "tvMazeId": 0,
                "tmdbId": int(ids["tmdb"]),
                "imdbId": ids["imdb"],
                "type": series.kind,
                "year": title.year,
                "genres": list(title.genres),
                "images": [],
                "tags": [self.tags[tag] for tag in series.tags if tag in self.tags],
                "originalLanguage": {"id": 1, "name": "English"},
            },
            "episodes": [
                {
                    "id": one.id,
                    "episodeNumber": one.number,
                    "seasonNumber": one.season,
                    "title": one.title,
                    "airDate": wire.day(one.aired),
                    "airDateUtc": iso(one.aired),
                    "seriesId": series.id,
                    "tvdbId": one.tvdb,
                }
                for one in episodes
            ]
            or None,
        }

    def _file_told(self, series: Series, made: MediaFile) -> dict[str, Any]:
        return {
            "id": made.id,
            "relativePath": made.path.removeprefix(series.path).lstrip("/"),
            "path": made.path,
            "quality": made.quality,
            "qualityVersion": 1,
            "releaseGroup": made.group,
            "size": made.size,
            "dateAdded": iso(made.added),
        }

    @staticmethod
    def _slug(title: Title) -> str:
        return "-".join("".join(c if c.isalnum() else " " for c in title.title.lower()).split())

    # What it looks like

    def resource(self, title: Title, series: Series | None = None) -> dict[str, Any]:
        """A series as the library shows it, or, where it was not added, as a look-up does."""
        episodes = series.episodes if series else []
        plan = episodes_of(title)
        ended = all(aired <= self.now for *_, aired in plan)
        coming = [one.aired for one in episodes if one.aired > self.now]
        shown: dict[str, Any] = {
            "title": title.title,
            "alternateTitles": [],
            "sortTitle": title.title.lower().removeprefix("the "),
            "status": "ended" if ended else "continuing",
            "ended": ended,
            "overview": title.summary,
            "nextAiring": iso(min(coming)) if coming else None,
            "network": title.studio,
            "airTime": "20:00",
            "images": [{"coverType": "poster", "url": "/MediaCover/0/poster.jpg"}],
            "originalLanguage": {"id": 1, "name": "English"},
            "seasons": [
                self._season(series, number)
                if series
                else {"seasonNumber": number, "monitored": number == title.seasons}
                for number in (series.seasons if series else range(1, title.seasons + 1))
            ],
            "year": title.year,
            "qualityProfileId": series.profile if series else 0,
            "seasonFolder": series.season_folder if series else True,
            "monitored": bool(series and series.monitored),
            "monitorNewItems": series.new_items if series else "all",
            "useSceneNumbering": False,
            "runtime": title.minutes,
            "tvdbId": int(title.ids["tvdb"]),
            "tvRageId": 0,
            "tvMazeId": 0,
            "tmdbId": int(title.ids["tmdb"]),
            "imdbId": title.ids["imdb"],
            "firstAired": iso(released(title)),
            "seriesType": series.kind if series else "standard",
            "cleanTitle": "".join(letter for letter in title.title.lower() if letter.isalnum()),
            "titleSlug": self._slug(title),
            "folder": f"{title.title} ({title.year})",
            "certification": title.content_rating,
            "genres": list(title.genres),
            "tags": list(series.tags) if series else [],
            "added": iso(series.added) if series else "0001-01-01T00:00:00Z",
            "ratings": {"votes": 800, "value": title.rating},
            "statistics": {"seasonCount": title.seasons, **self._statistics(episodes)},
            "languageProfileId": 0,
        }
        if series is None:
            return shown | {"remotePoster": ""}
        return shown | {"path": series.path, "rootFolderPath": series.root, "id": series.id}

    def _season(self, series: Series, number: int) -> dict[str, Any]:
        episodes = [one for one in series.episodes if one.season == number]
        shown: dict[str, Any] = {"seasonNumber": number, "monitored": series.seasons[number]}
        if episodes:
            shown["statistics"] = self._statistics(episodes)
        return shown

    def _statistics(self, episodes: Sequence[Episode]) -> dict[str, Any]:
        having = [one for one in episodes if one.file]
        counted = [one for one in episodes if one.file or (one.monitored and one.aired <= self.now)]
        coming = [one.aired for one in episodes if one.aired > self.now and one.monitored]
        return {
            "nextAiring": iso(min(coming)) if coming else None,
            "episodeFileCount": len(having),
            "episodeCount": len(counted),
            "totalEpisodeCount": len(episodes),
            "sizeOnDisk": sum(one.file.size for one in having if one.file),
            "releaseGroups": sorted({one.file.group for one in having if one.file}),
            "percentOfEpisodes": 100.0 * len(having) / len(counted) if counted else 0.0,
        }

    def episode_resource(
        self, series: Series, one: Episode, *, file: bool = False, whole: bool = False
    ) -> dict[str, Any]:
        """An episode; whole: with its series."""
        shown = {
            "seriesId": series.id,
            "tvdbId": one.tvdb,
            "episodeFileId": one.file.id if one.file else 0,
            "seasonNumber": one.season,
            "episodeNumber": one.number,
            "title": one.title,
            "airDate": wire.day(one.aired),
            "airDateUtc": iso(one.aired),
            "lastSearchTime": iso(series.searched),
            "runtime": series.title.minutes,
            "hasFile": one.file is not None,
            "monitored": one.monitored,
            "absoluteEpisodeNumber": None,
            "unverifiedSceneNumbering": False,
            "id": one.id,
        }
        if file and one.file:
            shown["episodeFile"] = self._file(series, one, one.file)
        if whole:
            shown["series"] = self.resource(series.title, series)
        return shown

    def _file(self, series: Series, one: Episode, made: MediaFile) -> dict[str, Any]:
        return made.resource({"seriesId": series.id, "seasonNumber": one.season}, series.path)

    # The API

    async def listed(self, request: Request) -> Response:
        tvdb = wire.text_of(request, "tvdbId")
        return reply(
            [
                self.resource(one.title, one)
                for one in self.series.values()
                if tvdb in ("", one.title.ids["tvdb"])
            ]
        )

    async def one(self, request: Request) -> Response:
        series = self.find(self.series, await wire.id_of(request))
        if request.method == "PUT":
            return self._changed(series, await wire.obj(request))
        if request.method == "DELETE":
            del self.series[series.id]
            files = wire.truth(request, "deleteFiles")
            self.transfers = [one for one in self.transfers if one.owner is not series]
            self.ledger.record("series.deleted", title=series.title.title, files=files)
            self.announce(
                "onSeriesDelete", "SeriesDelete", {**self.series_told(series, ()), "deletedFiles": files}
            )
            return reply({})
        return reply(self.resource(series.title, series))

    def _changed(self, series: Series, body: dict[str, Any]) -> Response:
        self._refuse_choices(body)
        series.monitored = bool(body.get("monitored"))
        series.profile = int(body.get("qualityProfileId", series.profile))
        series.tags = [int(tag) for tag in body.get("tags") or ()]
        series.new_items = str(body.get("monitorNewItems", series.new_items))
        for row in body.get("seasons") or ():
            number, wish = row.get("seasonNumber"), bool(row.get("monitored"))
            if number in series.seasons and series.seasons[number] != wish:
                series.seasons[number] = wish
                for one in series.episodes:
                    if one.season == number:
                        one.monitored = wish
        on = [number for number, wish in series.seasons.items() if wish]
        self.ledger.record("series.changed", title=series.title.title, monitored=series.monitored, seasons=on)
        return reply(self.resource(series.title, series), 202)

    async def added(self, request: Request) -> Response:
        body = await wire.obj(request)
        tvdb = str(body.get("tvdbId") or "")
        self._refuse_choices(body)
        root = str(body.get("rootFolderPath") or "").rstrip("/")
        if root not in self.roots.values() and not body.get("path"):
            message = "Root folder does not exist"
            raise Refused(wire.invalid("RootFolderPath", message, "RootFolderExistsValidator"))
        if self.by_tvdb(tvdb) is not None:
            message = "This series has already been added"
            raise Refused(wire.invalid("TvdbId", message, "SeriesExistsValidator", int(tvdb)))
        title = known().get(tvdb)
        if title is None:
            raise Refused(wire.invalid("TvdbId", "A series with this ID was not found.", "", tvdb))
        series = self.add(title, monitored=bool(body.get("monitored", True)))
        series.root, series.profile = root or series.root, int(body["qualityProfileId"])
        series.tags = [int(tag) for tag in body.get("tags") or ()]
        series.kind = str(body.get("seriesType") or "standard")
        series.new_items = str(body.get("monitorNewItems") or "all")
        options = body.get("addOptions") or {}
        series.seasons = self._seasons_of(body, title, str(options.get("monitor") or "unknown"))
        on = [number for number, wish in series.seasons.items() if wish]
        self.ledger.record(
            "series.added", title=title.title, tvdb=tvdb, monitored=series.monitored, seasons=on
        )
        self.queue_command("RefreshSeries", {"seriesId": series.id}, "manual")
        if options.get("searchForMissingEpisodes"):
            self.queue_command("MissingEpisodeSearch", {"seriesId": series.id}, "manual", delay=0.5)
        self.announce("onSeriesAdd", "SeriesAdd", self.series_told(series, ()))
        return reply(self.resource(title, series), 201, {"Location": f"/api/v3/series/{series.id}"})

    @staticmethod
    def _seasons_of(body: dict[str, Any], title: Title, monitor: str) -> dict[int, bool]:
        numbers = range(1, title.seasons + 1)
        if monitor in ("skip", "unknown"):
            asked = {row.get("seasonNumber"): bool(row.get("monitored")) for row in body.get("seasons") or ()}
            return {number: asked.get(number, False) for number in numbers}
        chosen = {
            "all": set(numbers),
            "missing": set(numbers),
            "firstSeason": {1},
            "lastSeason": {title.seasons},
            "latestSeason": {title.seasons},
        }.get(monitor, set())
        return {number: number in chosen for number in numbers}

    def _refuse_choices(self, body: dict[str, Any]) -> None:
        profile = body.get("qualityProfileId")
        if not isinstance(profile, int) or profile not in self.profiles:
            message = "Quality Profile does not exist"
            raise Refused(wire.invalid("QualityProfileId", message, "QualityProfileExistsValidator", profile))

    async def looked_up(self, request: Request) -> Response:
        term = wire.text_of(request, "term").strip()
        provider, _, rest = term.partition(":")
        if provider in ("tvdb", "tvdbid"):
            found = [known()[rest.strip()]] if rest.strip() in known() else []
        else:
            found = [title for title in known().values() if term and term.lower() in title.title.lower()][:20]
        return reply([self.resource(title, self.by_tvdb(title.ids["tvdb"])) for title in found])

    async def episodes(self, request: Request) -> Response:
        wish = wire.number(request, "seriesId")
        ids = {int(text) for text in request.query_params.getlist("episodeIds") if text.isdecimal()}
        if not wish and not ids:
            raise Refused(wire.failure(400, "seriesId or episodeIds must be provided"))
        season = wire.number(request, "seasonNumber", -1)
        files = wire.truth(request, "includeEpisodeFile")
        return reply(
            [
                self.episode_resource(series, one, file=files)
                for series, one in self.episode_table().values()
                if (series.id == wish or one.id in ids) and season in (-1, one.season)
            ]
        )

    async def episode(self, request: Request) -> Response:
        series, one = self.find(self.episode_table(), int(request.path_params["id"]))
        if request.method == "PUT":
            self._monitor([one], bool((await wire.obj(request)).get("monitored")))
            return reply(self.episode_resource(series, one), 202)
        return reply(self.episode_resource(series, one, file=True, whole=True))

    async def monitor(self, request: Request) -> Response:
        body = await wire.obj(request)
        table = self.episode_table()
        rows = [table[id] for id in body.get("episodeIds") or () if id in table]
        self._monitor([one for _, one in rows], bool(body.get("monitored")))
        return reply([self.episode_resource(series, one) for series, one in rows], 202)

    def _monitor(self, episodes: Sequence[Episode], wish: bool) -> None:
        for one in episodes:
            one.monitored = wish
        shown = [f"{one.season}x{one.number}" for one in episodes]
        self.ledger.record("episodes.monitored", episodes=shown, monitored=wish)

    async def files(self, request: Request) -> Response:
        wish = wire.number(request, "seriesId")
        if not wish:
            raise Refused(wire.failure(400, "seriesId or episodeFileIds must be provided"))
        rows = [(series, one, one.file) for series, one in self.episode_table().values() if series.id == wish]
        return reply([self._file(series, one, made) for series, one, made in rows if made])

    async def file(self, request: Request) -> Response:
        id = int(request.path_params["id"])
        table = {one.file.id: (series, one) for series, one in self.episode_table().values() if one.file}
        series, one = self.find(table, id)
        assert one.file is not None
        if request.method == "DELETE":
            gone, one.file = one.file, None
            self.ledger.record("file.deleted", path=gone.path)
            facts = {**self.series_told(series, [one]), "episodeFile": self._file_told(series, gone)}
            self.announce("onEpisodeFileDelete", "EpisodeFileDelete", {**facts, "deleteReason": "manual"})
            return reply({})
        return reply(self._file(series, one, one.file))

    def calendar(self, start: float, end: float, unmonitored: bool, whole: bool) -> list[dict[str, Any]]:
        """Episodes that air in this time."""
        return [
            self.episode_resource(series, one, whole=whole)
            for series, one in self.episode_table().values()
            if start <= one.aired <= end and (unmonitored or (series.monitored and one.monitored))
        ]

    def fill(self, items: int) -> None:
        """A household that has what was aired of most of its series."""
        for number, title in enumerate(household(SHOW)[:items]):
            series = self.add(title, added=self.now - (number * 3 + 5) * DAY)
            self.refresh(series)
            self.give(series, [one for one in series.episodes if one.aired < self.now - DAY], series.added)
