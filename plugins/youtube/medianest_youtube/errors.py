"""Plain reasons for what yt-dlp says: a code, whether trying again helps, and a sentence (stdlib only).

yt-dlp's messages are prose in the words of the site and change; the codes are ours and stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Retry = Literal["now", "later", "never", "admin"]


@dataclass(frozen=True)
class Reason:
    """`retry`: now = a lost connection, later = the site wants time, admin = someone must change something, never."""

    code: str
    retry: Retry
    text: str


class Refused(Exception):
    """The job ends with a reason of ours rather than with what yt-dlp says."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(detail or REASONS[code].text)
        self.code = code


REASONS: dict[str, Reason] = {
    reason.code: reason
    for reason in (
        Reason("private", "never", "This video is private."),
        Reason("removed", "never", "This video has been removed."),
        Reason("live", "later", "This is a live stream. It can be downloaded once it has ended."),
        Reason("upcoming", "later", "This video has not been published yet."),
        Reason("members", "admin", "This video is for members of the channel only."),
        Reason("age", "admin", "The site asks for a signed-in adult. An administrator can add cookies."),
        Reason(
            "bot_check",
            "admin",
            "The site asks to sign in to prove this is no bot. An administrator can add cookies.",
        ),
        Reason("region", "never", "This video is not available in this country."),
        Reason("unavailable", "never", "This video is not available."),
        Reason("no_format", "never", "There is no such quality or format of this video."),
        Reason("too_large", "never", "This is larger than allowed."),
        Reason("too_long", "never", "This is longer than allowed."),
        Reason("rate_limited", "later", "The site asks us to slow down."),
        Reason("not_supported", "never", "There is nothing to download at this address."),
        Reason("not_allowed", "never", "This address leads somewhere downloads are not allowed from."),
        Reason("not_found", "never", "There is nothing at this address."),
        Reason("forbidden", "later", "The site refused the download."),
        Reason("drm", "never", "This video is copy-protected."),
        Reason("site_changed", "admin", "The site has changed. Updating yt-dlp usually helps."),
        Reason("cookies", "admin", "The saved cookies are not accepted."),
        Reason("ffmpeg", "admin", "ffmpeg is missing or failed."),
        Reason("disk_full", "later", "The disk is full."),
        Reason("busy", "now", "Another download is still using this folder."),
        Reason("connection", "now", "The connection was lost."),
        Reason("server", "now", "The site answered with an error."),
        Reason("empty", "never", "The site sent no file."),
        Reason("bad_job", "never", "The download was asked for in a way that is not understood."),
        Reason("failed", "now", "The download failed."),
    )
}

# Order matters: the first match wins, the particular before the general.
_PATTERNS: tuple[tuple[str, str], ...] = (
    (r"no space left|disk quota|errno 28\b", "disk_full"),
    (r"sign in to confirm you.{0,3}re not a bot|confirm you.{0,3}re not a bot", "bot_check"),
    (r"confirm your age|age.restricted|inappropriate for some users", "age"),
    (r"private (video|playlist)|(video|playlist) is private", "private"),
    (r"members.only|join this channel", "members"),
    (r"available in your (country|location|region)|geo.?restrict|blocked it in your country", "region"),
    (r"rate.?limited|too many requests|http error 429", "rate_limited"),
    (r"live event will begin|premieres in|premiere will begin|is upcoming|not yet (started|available)|will begin in", "upcoming"),
    (r"live stream|is live|currently live|live event has ended|livestream", "live"),
    (r"has been removed|no longer available|has been terminated|account.{0,30}terminated|deleted video|copyright claim|does not exist", "removed"),
    (r"drm", "drm"),
    (r"requested format is not available|no video formats found", "no_format"),
    (r"larger than max-filesize|file is larger", "too_large"),
    (r"unsupported url|no suitable extractor|is not a valid url", "not_supported"),
    (r"file:// (urls|scheme)|unsupported url scheme|unknown url type|scheme is disabled|enable.file.urls|infinite loop|too many redirects|redirect loop", "not_allowed"),
    (r"proxy.{0,60}40[37]|tunnel connection failed: 40[37]|egress refused|permission denied.{0,30}connect", "not_allowed"),
    (r"cookies.{0,40}(no longer valid|invalid|not.{0,12}netscape)|netscape format cookies", "cookies"),
    (r"ffmpeg|ffprobe|postprocessing", "ffmpeg"),
    (r"http error 404|http error 410", "not_found"),
    (r"http error 40[13]", "forbidden"),
    (r"http error 5\d\d|tunnel connection failed: 5\d\d", "server"),
    (r"video unavailable|this video is unavailable|content isn.{0,3}t available|not available", "unavailable"),
    (r"unable to extract|failed to (extract|parse)|signature extraction|nsig|jsondecodeerror|unable to (parse|decode)", "site_changed"),
    (r"timed? ?out|connection|reset by peer|more expected|incompleteread|incomplete|content too short|network is unreachable"
     r"|remote end closed|name resolution|name or service|ssl|unable to download", "connection"),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), code) for pattern, code in _PATTERNS)

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_REPORTING = re.compile(r";? *please report this issue on .*", re.IGNORECASE | re.DOTALL)


def classify(message: str) -> Reason:
    """The reason behind a message of yt-dlp's; `failed` when it is none we know."""
    for pattern, code in _COMPILED:
        if pattern.search(message):
            return REASONS[code]
    return REASONS["failed"]


def plain(message: str, limit: int = 300) -> str:
    """The message fit for a log or an admin: no colours, no addresses (they may be signed), one line."""
    text = _REPORTING.sub("", _ADDRESS.sub("(address)", _ANSI.sub("", message)))
    text = " ".join(text.split()).removeprefix("ERROR: ")
    return text if len(text) <= limit else text[: limit - 1] + "…"
