"""Programs and files that parts of the portal need beside Python."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

from medianest_core.base.finding import Finding, ok, problem, warning
from medianest_core.base.texts import N_


def check() -> list[Finding]:
    return [_assets(), _ffmpeg(), _javascript()]


def _which(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


def _assets() -> Finding:
    from medianest_core.web.portal.render import AssetsMissing, assets

    try:
        assets.check()
    except AssetsMissing as error:
        return problem(
            N_("browser assets"),
            str(error),
            N_("Install the wheel again, or run `make assets` in a checkout."),
        )
    return ok(N_("browser assets"), N_("They are built."))


def _ffmpeg() -> Finding:
    if found := _which("ffmpeg"):
        return ok("ffmpeg", N_("{path} is there.").format(path=found))
    if importlib.util.find_spec("imageio_ffmpeg") is not None:
        return ok("ffmpeg", N_("The one that came with a Python package is there."))
    return warning(
        "ffmpeg",
        N_("There is no ffmpeg."),
        N_("Install it (`apt-get install ffmpeg`); downloads need it to join streams."),
    )


def _javascript() -> Finding:
    if found := _which("deno") or _which("bun"):
        return ok(N_("JavaScript runtime"), N_("{path} is there.").format(path=found))
    if importlib.util.find_spec("deno") is not None:
        return ok(N_("JavaScript runtime"), N_("The one that came with a Python package is there."))
    return warning(
        N_("JavaScript runtime"),
        N_("There is none that video sites' code can run in."),
        N_("`pip install deno` into the portal's environment; without it some formats cannot be downloaded."),
    )
