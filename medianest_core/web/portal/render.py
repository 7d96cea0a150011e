"""Templates to HTML: one Jinja environment for the core (`core/…`) and every plugin (`<plugin>/…`).

Pages are given to `Renderer.page`, fragments for htmx to `Renderer.fragment`. Helpers read the viewer from a context
variable, so macros are imported without context and stay cached: `{% from "core/macros/poster.html" import poster %}`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import (
    BaseLoader,
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    Undefined,
)
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from . import i18n
from .formats import HELPERS
from .viewer import Viewer, use_viewer, viewer
from .views import Shell

HERE = Path(__file__).parent
CORE = "core"
MISSING_ASSETS = "The browser assets are not built. Run `make assets` (or `python hatch_build.py`)."


class AssetsMissing(RuntimeError):
    """`static/dist/manifest.json` is not there."""


class Assets:
    """Names to hashed files of `static/dist`. The manifest is read again when it changes."""

    def __init__(self, folder: Path = HERE / "static" / "dist") -> None:
        self._manifest = folder / "manifest.json"
        self._stamp = 0
        self._names: dict[str, str] = {}

    def check(self) -> None:
        """Raises `AssetsMissing`, which says what to run."""
        if not self._manifest.is_file():
            raise AssetsMissing(MISSING_ASSETS)

    def name(self, plain: str) -> str:
        try:
            stamp = self._manifest.stat().st_mtime_ns
        except FileNotFoundError as error:
            raise AssetsMissing(MISSING_ASSETS) from error
        if stamp != self._stamp:
            self._names, self._stamp = json.loads(self._manifest.read_bytes()), stamp
        return self._names[plain]


assets = Assets()


def url(path: str, **query: object) -> str:
    """A portal path with the sub-path before it; addresses of other sites stay as they are. None values of `query` are left out."""
    given = {key: value for key, value in query.items() if value is not None}
    if given:
        path += ("&" if "?" in path else "?") + urlencode(given, doseq=True)
    if path.startswith("/") and not path.startswith("//"):
        return viewer().root_path + path
    if path.startswith(("https://", "http://", "#", "?")):
        return path
    raise ValueError("a link must be a portal path or an http(s) address")


def asset(name: str) -> str:
    """The address of a built file (`app.css`) or of a plain one under `static/` (`logo.svg`)."""
    if (HERE / "static" / name).is_file():
        return url(f"/static/{quote(name)}")
    return url(f"/static/dist/{assets.name(name)}")


def icon(name: str, class_: str = "size-5", label: str = "") -> Markup:
    """A Lucide icon of the sprite; decorative without a label."""
    meaning = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon {}" {}><use href="{}#{}"></use></svg>').format(
        class_, meaning, asset("icons.svg"), name
    )


def attributes(**given: object) -> Markup:
    """HTML attributes from keywords: `_` becomes `-`, None and False are left out, True stands alone."""
    parts: list[Markup] = []
    for key, value in given.items():
        name = key.rstrip("_").replace("_", "-")
        if value is None or value is False:
            continue
        parts.append(escape(name) if value is True else Markup('{}="{}"').format(name, value))
    return Markup(" ").join(parts)


def _compiled(folder: Path) -> FileSystemBytecodeCache:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return FileSystemBytecodeCache(str(folder))


class Renderer:
    """The environment and its loaders. `strict` (development and tests) makes an unknown name an error.

    compiled: a folder of our own that keeps compiled templates, because compiling them takes longer than everything else that
    a page shown for the first time needs.
    """

    def __init__(self, *, strict: bool = False, compiled: Path | None = None) -> None:
        self._loaders: dict[str, BaseLoader] = {CORE: FileSystemLoader(HERE / "templates")}
        self.environment = Environment(
            loader=PrefixLoader(self._loaders),
            autoescape=True,
            undefined=StrictUndefined if strict else Undefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
            auto_reload=strict,
            bytecode_cache=_compiled(compiled) if compiled is not None else None,
        )
        # jinja adds these when the i18n extension is loaded, which type stubs cannot know
        install: Callable[..., None] = vars(self.environment).get(
            "install_gettext_callables", lambda **_: None
        )
        install(
            gettext=i18n.gettext,
            ngettext=i18n.ngettext,
            newstyle=True,
            pgettext=i18n.pgettext,
            npgettext=i18n.npgettext,
        )
        self.environment.policies["ext.i18n.trimmed"] = True
        self.environment.globals.update(HELPERS)
        self.environment.globals.update(
            url=url, asset=asset, icon=icon, attributes=attributes, viewer=viewer, languages=i18n.LANGUAGES
        )

    def add(self, plugin: str, templates: Path, locale: Path | None = None) -> None:
        """Make a plugin's templates known as `<plugin>/…`, with its catalogues. Raises ValueError for a reserved name."""
        if plugin == CORE or "/" in plugin:
            raise ValueError(f"{plugin!r} cannot be a template prefix")
        self._loaders[plugin] = FileSystemLoader(templates)
        if locale is not None:
            i18n.catalogues.add(plugin, locale)

    def remove(self, plugin: str) -> None:
        if plugin == CORE or plugin not in self._loaders:
            return
        del self._loaders[plugin]
        if self.environment.cache is not None:
            self.environment.cache.clear()
        i18n.catalogues.remove(plugin)

    def text(
        self, template: str, context: Mapping[str, Any], view: Viewer, *, plugin: str | None = None
    ) -> str:
        """The rendered template; `plugin` names whose catalogue is asked first."""
        with use_viewer(view, plugin):
            return self.environment.get_template(template).render(context)

    def page(
        self, template: str, view: object, shell: Shell, viewer: Viewer, *, status: int = 200, **more: object
    ) -> HTMLResponse:
        """A whole page: `view` is its view-model, `shell` what stands around it."""
        body = self.text(template, {"view": view, "shell": shell, **more}, viewer)
        return HTMLResponse(body, status)

    def fragment(
        self,
        template: str,
        view: object,
        viewer: Viewer,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **more: object,
    ) -> HTMLResponse:
        """A part of a page for htmx."""
        body = self.text(template, {"view": view, **more}, viewer)
        return HTMLResponse(body, status, headers={"Vary": "HX-Request", **(headers or {})})
