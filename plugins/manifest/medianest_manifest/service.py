"""The service type "manifest": how an instance is connected and tested."""

from __future__ import annotations

import asyncio

from medianest_core.sdk import (
    EPISODE,
    MOVIE,
    N_,
    SHOW,
    CheckResult,
    Http,
    NotFound,
    ServiceType,
    UserError,
)
from medianest_manifest.client import ManifestServer
from medianest_manifest.index import Index
from medianest_manifest.models import MOVIES_VERSION, TV_VERSION
from medianest_manifest.settings import ManifestSettings

_LATELY = 600.0
"""Seconds for which a list need not be read again to say that it is there."""
_VERSIONS = {MOVIE: MOVIES_VERSION, SHOW: TV_VERSION}


async def connect(settings: ManifestSettings, http: Http) -> ManifestServer:
    """The client of one instance; asks nothing yet."""
    return ManifestServer(http, settings)


async def check(settings: ManifestSettings, server: ManifestServer) -> CheckResult:
    """Both lists. One that is not there is a warning as long as the other is."""
    if not server.paths:
        raise UserError(N_("Name at least one list: of films or of series."), "movies")
    kinds = list(server.paths)
    answers = await asyncio.gather(*(_seen(server, kind) for kind in kinds), return_exceptions=True)
    lists: dict[str, Index] = {}
    warnings: list[str] = []
    missing: NotFound | None = None
    for kind, answer in zip(kinds, answers, strict=True):
        if isinstance(answer, NotFound):
            missing = answer
            warnings.append(
                N_("There is no list at {path}. If the server has none, leave that field empty.").format(
                    path=server.paths[kind]
                )
            )
        elif isinstance(answer, BaseException):
            raise answer
        else:
            lists[kind] = answer
            warnings += _version_warning(kind, answer)
    if missing is not None and not lists:
        raise missing
    films = len(lists[MOVIE]) if MOVIE in lists else 0
    series = lists[SHOW].count(SHOW) if SHOW in lists else 0
    episodes = lists[SHOW].count(EPISODE) if SHOW in lists else 0
    version = next((index.version for index in lists.values() if index.version is not None), None)
    return CheckResult(
        N_("The file server lists {films} films and {series} series.").format(films=films, series=series),
        version=None if version is None else f"{version:.4f}",
        details={N_("Films"): str(films), N_("Series"): str(series), N_("Episodes"): str(episodes)},
        warnings=tuple(warnings),
    )


async def _seen(server: ManifestServer, kind: str) -> Index:
    # Health checks come every minute; a long list need not be read that often to know that it is there.
    await server.answers(kind)
    return await server.manifest(kind, _LATELY)


def _version_warning(kind: str, index: Index) -> list[str]:
    if index.version == _VERSIONS[kind]:
        return []
    shown = N_("none") if index.version is None else f"{index.version:.4f}"
    return [
        N_("A list says version {found}, and {known} is what is known here. It is read all the same.").format(
            found=shown, known=f"{_VERSIONS[kind]:.4f}"
        )
    ]


MANIFEST: ServiceType[ManifestSettings, ManifestServer] = ServiceType(
    "manifest",
    ManifestSettings,
    title=N_("File server with manifest"),
    icon="folder-open",
    description=N_("Films and series of a plain web server that publishes a list of its files."),
    connect=connect,
    check=check,
)
