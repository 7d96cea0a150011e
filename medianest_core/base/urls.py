"""Addresses: where a visitor may be sent, and how an address is shown."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def local_path(value: str | None, default: str = "/") -> str:
    """`value` if it is a path of this portal, else `default`: a redirect never leaves the portal."""
    if not value or not value.startswith("/") or value.startswith(("//", "/\\")):
        return default
    if any(character in value for character in "\r\n\t\0\\") or urlsplit(value).netloc:
        return default
    return value


def shown(url: str) -> str:
    """The address without credentials, query and fragment, fit for a log or a page."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def origin_of(url: str) -> str:
    """scheme://host[:port] in lower case, without the scheme's own port; empty where `url` has no host."""
    parts = urlsplit(url)
    if not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    standard = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port is not None and parts.port != standard else ""
    return f"{parts.scheme}://{host}{port}".lower()
