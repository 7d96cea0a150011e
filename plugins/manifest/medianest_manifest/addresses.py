"""Where things are on a file server: what its manifests call them, what the portal asks for, what browsers open. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from medianest_manifest.settings import ManifestSettings

_SAFE = "/%:@!$&'()*+,;=~-._"


class Addresses:
    """The addresses of one server. Public ones are for browsers, inner ones for the portal."""

    def __init__(self, settings: ManifestSettings) -> None:
        self._settings = settings
        self._public = _bare(str(settings.url))
        self._inner = _bare(str(settings.internal)) if settings.internal else self._public
        self._base = f"{self._public}{_folder(settings.prefix)}"
        self._lists = _bare(str(settings.manifests)) if settings.manifests else ""
        self._own = {_origin(one) for one in (self._public, self._inner, self._lists) if one}

    def manifest(self, path: str) -> str:
        """The inner address of a manifest with that path."""
        path = f"/{path.lstrip('/')}"
        return f"{self._lists}{path}" if self._lists else self.inner(f"{self._base}{path}")

    def public(self, reference: str) -> str:
        """The full address of what a manifest names: it may be full already, or a path below the folder of the media."""
        parts = urlsplit(reference)
        if parts.scheme or parts.netloc:
            return reference
        if reference.startswith("/"):
            joined = f"{self._public}{reference}"
        else:
            joined = f"{self._base}/{reference}"
        found = urlsplit(joined)
        return urlunsplit(found._replace(path=quote(found.path, safe=_SAFE)))

    def inner(self, reference: str) -> str:
        """The same, as the portal reaches it."""
        address = self.public(reference)
        if self._inner != self._public and address.startswith(f"{self._public}/"):
            return self._inner + address[len(self._public) :]
        return address

    def ours(self, address: str) -> bool:
        """Whether it is on this server: only such addresses are fetched, and only there credentials are sent."""
        return _origin(address) in self._own

    def path(self, reference: str) -> str:
        """The file's path below the folder of the media, as people name it."""
        parts = urlsplit(urljoin(f"{self._base}/", self.public(reference)))
        base = urlsplit(self._base).path
        path = parts.path[len(base) :] if parts.path.startswith(f"{base}/") else parts.path
        return unquote(path).lstrip("/")

    def credentials(self) -> Mapping[str, str]:
        """The header that lets us in; empty where none is needed."""
        settings = self._settings
        if settings.token:
            return {"Authorization": f"Bearer {settings.token.reveal()}"}
        if settings.username:
            password = settings.password.reveal() if settings.password else ""
            pair = base64.b64encode(f"{settings.username}:{password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        return {}


def _bare(address: str) -> str:
    return address.rstrip("/")


def _folder(prefix: str) -> str:
    inner = prefix.strip().strip("/")
    return f"/{quote(inner, safe=_SAFE)}" if inner else ""


def _origin(address: str) -> tuple[str, str, int | None]:
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        port = 0
    return parts.scheme, parts.hostname or "", port or {"http": 80, "https": 443}.get(parts.scheme)
