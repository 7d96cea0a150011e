"""Which pasted addresses are looked at: web addresses of allowed sites, spelled plainly (pure).

This is the first of three walls: the extractors a child may use are the second, the egress proxy the third.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, urlsplit, urlunsplit

from medianest_core.sdk import N_

MAX_LENGTH = 2000
YOUTUBE_SITES = ("youtube.com", "youtu.be", "youtube-nocookie.com")

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\\<>\"`{}|^\u2028\u2029\u200b-\u200f\u202a-\u202e\ufeff]")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_ID = re.compile(r"[0-9A-Za-z_-]{11}")
_CHANNEL = re.compile(
    r"/(?P<root>channel/[\w-]+|(?:(?:c|user)/|@)(?=[^/]*\w)[\w.%·-]+)(?:/(?P<tab>videos|shorts|streams|featured))?/?"
)


class NotAllowed(ValueError):
    """The address is not one to look at; the text says why and is for the person who pasted it."""


@dataclass(frozen=True)
class Link:
    """`url` is in normal form. `playlist` is the address of the list in which a video was opened, if it was."""

    url: str
    kind: Literal["video", "playlist", "channel", "other"]
    playlist: str | None = None
    at_home: bool = False


def read_link(text: str, sites: Sequence[str], own: Sequence[str] = (), home: Sequence[str] = ()) -> Link:
    """Raises NotAllowed. sites: domains whose subdomains count too. own, home: "host:port" entered by an admin, of a
    simulated YouTube and of sites on the home network; there any host will do."""
    text = text.strip()
    if not text or len(text) > MAX_LENGTH:
        raise NotAllowed("Paste the address of a video, a playlist or a channel.")
    if _FORBIDDEN.search(text):
        raise NotAllowed("This address holds characters that do not belong in one.")
    if re.match(r"[a-z0-9.-]+\.[a-z]{2,}(?:/|$)", text, re.IGNORECASE):
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise NotAllowed("This is not a web address.") from error
    if parts.scheme not in ("http", "https") or not host:
        raise NotAllowed("This is not a web address.")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise NotAllowed("Addresses with a name or password in them are not used.")
    port = port if port is not None else 443 if parts.scheme == "https" else 80
    if f"{host}:{port}" in own:
        return _shaped(host, parts.netloc, parts.path, parts.query, parts.scheme, youtube=True)
    if f"{host}:{port}" in home:
        return Link(
            urlunsplit((parts.scheme, parts.netloc, parts.path or "/", parts.query, "")),
            "other",
            at_home=True,
        )
    if port not in (80, 443):
        raise NotAllowed("Addresses with a port of their own are not used.")
    name = _name(host)
    if not any(name == site or name.endswith(f".{site}") for site in (one.lower() for one in sites)):
        raise NotAllowed(
            N_("{name} is not one of the allowed sites: {sites}.").format(name=name, sites=", ".join(sites))
        )
    youtube = any(name == site or name.endswith(f".{site}") for site in YOUTUBE_SITES)
    return _shaped(name, name, parts.path, parts.query, "https" if youtube else parts.scheme, youtube=youtube)


def site_problem(site: str) -> str | None:
    """Why `site` cannot stand in the list of allowed sites."""
    try:
        name = _name(site.strip().lower())
    except NotAllowed as error:
        return str(error)
    return (
        None
        if name == site and "." in name
        else "Write a site as example.org, without https:// and without a path."
    )


def _name(host: str) -> str:
    try:
        name = host.encode("idna").decode().lower()
    except UnicodeError as error:
        raise NotAllowed("This is not the name of a site.") from error
    if _is_address(name):
        raise NotAllowed("Write the site's name, not a number.")
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise NotAllowed("This is not the name of a site.")
    return name


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        # 2130706433, 0x7f.1 and 017700000001 are addresses too: no name ends in a number.
        return re.fullmatch(r"(?:0x[0-9a-f]*|\d+)", host.split(".")[-1]) is not None
    return True


def _shaped(host: str, netloc: str, path: str, query: str, scheme: str, *, youtube: bool) -> Link:
    address = urlunsplit((scheme, netloc, path or "/", query, ""))
    if not youtube:
        return Link(address, "other")
    base, asked = f"{scheme}://{netloc}", parse_qs(query)
    listed = (asked.get("list") or [""])[0]
    playlist = f"{base}/playlist?list={listed}" if re.fullmatch(r"[\w-]{2,80}", listed) else None
    if host in ("youtu.be", "www.youtu.be"):
        base = "https://www.youtube.com"
        playlist = playlist and f"{base}/playlist?list={listed}"
        video = path.strip("/").split("/")[0]
    else:
        video = _video_of(path, asked)
    if video:
        if not _ID.fullmatch(video):
            raise NotAllowed("This address of a video is incomplete.")
        return Link(
            f"{base}/{'shorts/' if path.startswith('/shorts/') else 'watch?v='}{video}", "video", playlist
        )
    if path.rstrip("/") == "/playlist" and playlist:
        return Link(playlist, "playlist")
    if match := _CHANNEL.fullmatch(path):
        tab = match["tab"] if match["tab"] in ("shorts", "streams") else "videos"
        return Link(f"{base}/{match['root']}/{tab}", "channel")
    raise NotAllowed("This is not the address of a video, a playlist or a channel.")


def _video_of(path: str, asked: dict[str, list[str]]) -> str:
    if path.rstrip("/") == "/watch":
        return (asked.get("v") or ["-"])[0]
    match = re.fullmatch(r"/(?:shorts|live|embed|v)/([^/]+)/?", path)
    return match[1] if match else ""
