"""Templates to HTML: one Jinja environment for the core (`core/…`) and every plugin (`<plugin>/…`).

Pages are given to `Renderer.page`, fragments for htmx to `Renderer.fragment`. Helpers read the viewer from a context
variable, so macros are imported without context and stay cached: `{% from "core/macros/poster.html" import poster %}`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
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
from .kept import MOST, Kept
from .viewer import Viewer, use_viewer, viewer
from .views import Shell

HERE = Path(__file__).parent
CORE = "core"
MISSING_ASSETS = "The browser assets are not built. Run `make assets` (or `python hatch_build.py`)."


_LOADED = {".css", ".js", ".svg", ".woff2"}
_INSTALLED = ("icon-192.png", "icon-512.png", "icon-mask-512.png", "icon-apple-180.png")


class AssetsMissing(RuntimeError):
    """`static/dist/manifest.json` is not there."""


class Assets:
    """Names to hashed files of `static/dist`. The manifest is read again when it has changed.

    every: seconds between two looks at it.
    """

    def __init__(self, folder: Path = HERE / "static" / "dist", every: float = 1.0) -> None:
        self._every = every
        self._manifest = folder / "manifest.json"
        self._stamp = 0
        self._looked = float("-inf")
        self._names: dict[str, str] = {}
        self._paths: dict[str, str] = {}

    def check(self) -> None:
        """Raises `AssetsMissing`, which says what to run."""
        if not self._manifest.is_file():
            raise AssetsMissing(MISSING_ASSETS)

    def stamp(self) -> int:
        """Changes with the files."""
        self._look()
        return self._stamp

    def name(self, plain: str) -> str:
        """The file in `static/dist` that a plain name stands for."""
        self._look()
        return self._names[plain]

    def path(self, name: str) -> str:
        """The portal path of a built file, e.g. `app.css`."""
        self._look()
        if (found := self._paths.get(name)) is None:
            found = self._paths[name] = f"/static/dist/{self._names[name]}"
        return found

    def files(self) -> list[str]:
        """The portal paths of all that the pages of this build load."""
        self._look()
        apart = {self._names[name] for name in ("worker.js", *_INSTALLED) if name in self._names}
        return sorted(
            f"/static/dist/{quote(path.name)}"
            for path in self._manifest.parent.iterdir()
            if path.suffix in _LOADED and path.name not in apart
        )

    def text(self, name: str) -> str:
        """The content of a built file."""
        return (self._manifest.parent / self.name(name)).read_text(encoding="utf-8")

    def _look(self) -> None:
        if time.monotonic() - self._looked < self._every:
            return
        try:
            stamp = self._manifest.stat().st_mtime_ns
        except FileNotFoundError as error:
            raise AssetsMissing(MISSING_ASSETS) from error
        if stamp != self._stamp:
            self._names, self._stamp = json.loads(self._manifest.read_bytes()), stamp
            self._paths = {}
        self._looked = time.monotonic()


assets = Assets()


def url(path: str, **query: object) -> str:
    """A portal path with the sub-path before it; addresses of other sites stay as they are. None values of `query` are left out."""
    if query:
        given = {key: value for key, value in query.items() if value is not None}
        if given:
            path += ("&" if "?" in path else "?") + urlencode(given, doseq=True)
    if path.startswith("/") and not path.startswith("//"):
        return viewer().root_path + path
    if path.startswith(("https://", "http://", "#", "?")):
        return path
    raise ValueError("a link must be a portal path or an http(s) address")


def asset(name: str) -> str:
    """The address of a built file, e.g. `app.css`."""
    return viewer().root_path + assets.path(name)


def srcset(path: str, widths: Sequence[int]) -> Markup:
    """A picture of the portal in several widths, for an `srcset` attribute."""
    if not path.startswith("/") or path.startswith("//"):
        raise ValueError("a picture must be a portal path")
    base = escape(viewer().root_path + path) + ("&amp;" if "?" in path else "?")
    return Markup(", ".join(f"{base}w={width} {width}w" for width in widths))  # noqa: S704  # escaped above


def icon(name: str, class_: str = "size-5", label: str = "") -> Markup:
    """A Lucide icon of the sprite; decorative without a label."""
    return _icon(name, class_, label, asset("icons.svg"))


@lru_cache(maxsize=2000)
def _icon(name: str, class_: str, label: str, sprite: str) -> Markup:
    meaning = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon {}" {}><use href="{}#{}"></use></svg>').format(
        class_, meaning, sprite, name
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
        self.kept = Kept(0 if strict else MOST)
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
            url=url,
            asset=asset,
            icon=icon,
            srcset=srcset,
            attributes=attributes,
            viewer=viewer,
            languages=i18n.LANGUAGES,
            kept=self._piece,
            kept_part=self._part,
        )

    def add(self, plugin: str, templates: Path | None, locale: Path | None = None) -> None:
        """Make a plugin's templates known as `<plugin>/…`, with its catalogues. Raises ValueError for a reserved name."""
        if plugin == CORE or "/" in plugin:
            raise ValueError(f"{plugin!r} cannot be a template prefix")
        if templates is not None:
            self._loaders[plugin] = FileSystemLoader(templates)
        if locale is not None:
            i18n.catalogues.add(plugin, locale)

    def remove(self, plugin: str) -> None:
        if plugin == CORE:
            return
        i18n.catalogues.remove(plugin)
        if self._loaders.pop(plugin, None) is None:
            return
        self.kept.forget()
        if self.environment.cache is not None:
            self.environment.cache.clear()

    def _piece(self, macro: Callable[..., str], item: Hashable, **options: Hashable) -> Markup:
        """`kept(poster, item, …)`: what the macro makes of a view-model, kept; see `Kept` for what it may depend on."""
        name = f"macro {macro.name}"  # type: ignore[attr-defined]  # a jinja macro
        return self.kept.get(name, lambda: macro(item, **options), item, assets.stamp(), *options.items())

    def _part(self, template: str) -> Markup:
        """`kept_part("core/confirm.html")`: a template without context, kept."""
        return self.kept.get(
            template, lambda: self.environment.get_template(template).render(), assets.stamp()
        )

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
