"""The NFO beside a download, from which media servers read title, plot and date (stdlib only)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

# XML 1.0 cannot hold these, not even escaped.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def movie_nfo(item: Mapping[str, Any], *, collection: str = "", index: int | None = None) -> bytes:
    """A ``<movie>`` document for an item (see `inspection`): title, plot, premiered, year, runtime in minutes, studio,
    unique id; with `collection` the set it belongs to, with `index` its place there (from 1)."""
    root = ElementTree.Element("movie")

    def put(tag: str, value: object, **attributes: str) -> None:
        if value not in (None, ""):
            ElementTree.SubElement(root, tag, attributes).text = _FORBIDDEN.sub("", str(value))

    put("title", item.get("title"))
    put("plot", item.get("description"))
    date = str(item.get("upload_date") or "")
    if re.fullmatch(r"\d{8}", date):
        put("premiered", f"{date[:4]}-{date[4:6]}-{date[6:]}")
        put("year", date[:4])
    duration = item.get("duration")
    if isinstance(duration, (int, float)) and duration > 0:
        put("runtime", max(1, round(duration / 60)))
    put("studio", item.get("channel"))
    put("credits", item.get("channel"))
    for tag in item.get("tags") or ():
        put("tag", tag)
    put("uniqueid", item.get("id"), type=str(item.get("site") or "youtube").lower(), default="true")
    if collection:
        ElementTree.SubElement(ElementTree.SubElement(root, "set"), "name").text = _FORBIDDEN.sub(
            "", collection
        )
        if index is not None:
            put("sorttitle", f"{collection} {index:04}")
    ElementTree.indent(root)
    body: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"
