"""cookies.txt, the format browsers' export tools write and yt-dlp reads (pure)."""

from __future__ import annotations

from medianest_core.sdk import N_

MAX_BYTES = 512 * 1024


def cookie_problem(text: str) -> str | None:
    """Why yt-dlp would not take this, in words for the admin; None when it would. Nothing of the content is repeated."""
    if len(text.encode()) > MAX_BYTES:
        return "This is too large for a cookies.txt."
    if text.lstrip().startswith(("{", "[")):
        return "This is JSON. Export the cookies in the Netscape (cookies.txt) format."
    count = 0
    for number, line in enumerate(text.splitlines(), start=1):
        plain = line.removeprefix("#HttpOnly_")
        if not plain.strip() or plain.startswith("#"):
            continue
        fields = plain.split("\t")
        if len(fields) != 7:
            return N_("Line {number} is not a cookie: seven values divided by tabs are needed.").format(
                number=number
            )
        domain, subdomains, _, secure, expires, name, _ = fields
        if not domain or not name or {subdomains, secure} - {"TRUE", "FALSE"}:
            return N_("Line {number} is not a cookie of the Netscape format.").format(number=number)
        if not (expires.removeprefix("-").replace(".", "", 1) or "0").isdigit():
            return N_("Line {number}: the time at which the cookie ends is not a number.").format(
                number=number
            )
        count += 1
    return None if count else "There is no cookie in this text."


def for_ytdlp(text: str) -> str:
    """The same with the header and line ends that yt-dlp insists on."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    return lines + "\n" if lines.startswith("# ") else f"# Netscape HTTP Cookie File\n{lines}\n"
