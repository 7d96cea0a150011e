"""How an item of the library looks on the wire: trimmed in lists, whole on its own page."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache

import orjson

from medianest_plex.simulation.encoding import to_xml, xml_parts, xml_tag
from medianest_plex.simulation.library import Item, Library, Shape

LANGUAGES = {
    "eng": ("English", "en"),
    "deu": ("German", "de"),
    "fra": ("French", "fr"),
    "spa": ("Spanish", "es"),
    "jpn": ("Japanese", "ja"),
    "por": ("Portuguese", "pt"),
}
_CODEC_NAMES = {
    "eac3": "EAC3",
    "ac3": "AC3",
    "aac": "AAC",
    "truehd": "TRUEHD",
    "dca": "DTS",
    "opus": "OPUS",
    "mp3": "MP3",
}
_LAYOUTS = {1: "Mono", 2: "Stereo", 6: "5.1", 8: "7.1"}
_LIST_TAGS = 3
_CHAPTERS = 6
_PART = b'"Part":[{'
_GAP = 777_777_777_777


def tag_id(kind: str, name: str) -> int:
    """The stable id under which a genre, person or country can be filtered by."""
    return int.from_bytes(hashlib.blake2s(f"{kind}/{name}".encode(), digest_size=3).digest(), "big") + 1


def entry(
    item: Item,
    library: Library,
    *,
    full: bool = False,
    guids: bool = False,
    streams: bool = False,
    chapters: bool = False,
) -> dict[str, object]:
    """The JSON object of an item; `full` adds streams and untrimmed tags, `streams` only the former."""
    section = library.sections[item.section]
    kind = item.type
    slash = "/children" if kind in ("show", "season", "collection") else ""
    base = "collections" if kind == "collection" else "metadata"
    out: dict[str, object] = {
        "ratingKey": str(item.key),
        "key": f"/library/{base}/{item.key}{slash}",
        "guid": item.guid,
        "slug": None if kind not in ("movie", "show") else item.title.lower().replace(" ", "-"),
        "studio": item.studio,
        "type": kind,
        "title": item.title,
        "titleSort": item.title_sort if item.title_sort != item.title else None,
        "originalTitle": item.original_title,
        "librarySectionTitle": section.title,
        "librarySectionID": section.key,
        "librarySectionKey": f"/library/sections/{section.key}",
        "contentRating": item.content_rating,
        "summary": item.summary,
        "rating": item.rating,
        "audienceRating": item.audience_rating,
        "viewCount": item.view_count or None,
        "viewOffset": item.view_offset or None,
        "lastViewedAt": item.last_viewed_at,
        "year": item.year,
        "tagline": item.tagline or None,
        "index": item.index,
        "thumb": f"/library/metadata/{item.key}/thumb/{item.updated_at}",
        "art": f"/library/metadata/{item.key}/art/{item.updated_at}" if kind in ("movie", "show") else None,
        "duration": item.duration,
        "originallyAvailableAt": item.available_at,
        "addedAt": item.added_at,
        "updatedAt": item.updated_at,
        "audienceRatingImage": "rottentomatoes://image.rating.upright" if item.audience_rating else None,
        "ratingImage": "rottentomatoes://image.rating.ripe" if item.rating else None,
        "chapterSource": "media" if item.shape else None,
    }
    _place(item, library, out)
    if kind == "collection":
        _collection(item, library, out)
    if chapters and item.duration and item.shape is not None:
        out["Chapter"] = _chapters(item, item.duration)
    limit = None if full else _LIST_TAGS
    if item.shape is not None:
        out["Media"] = [_media(item, item.shape, full=full or streams)]
    for name, values in (
        ("Genre", item.genres),
        ("Country", item.countries),
        ("Director", item.directors),
        ("Writer", item.writers),
    ):
        if values:
            out[name] = [
                _tag(name, value, full)
                for value in values[: limit if name != "Genre" else 2 if limit else None]
            ]
    if item.cast:
        out["Role"] = [_tag("Role", name, full) | {"role": role} for name, role in item.cast[:limit]]
    if item.guids and (guids or full):
        out["Guid"] = [{"id": guid} for guid in item.guids]
    return {name: value for name, value in out.items() if value is not None}


def json_parts(item: Item, library: Library) -> tuple[bytes, bytes]:
    """The list entry as JSON without its closing brace, and the Guid member to put before that brace."""
    if item.json is None:
        body = orjson.dumps(entry(item, library))[:-1]
        guids = b',"Guid":' + orjson.dumps([{"id": guid} for guid in item.guids]) if item.guids else b""
        item.json = (body, guids)
    return item.json


def xml_text(item: Item, library: Library, *, guids: bool) -> str:
    """The list entry as XML."""
    if item.xml is None:
        value = entry(item, library)
        start, end = xml_parts(xml_tag("Metadata", value), value)
        item.xml = (start, "".join(to_xml("Guid", {"id": guid}) for guid in item.guids), end)
    start, inner, end = item.xml
    return start + (inner if guids else "") + end


def _tag(kind: str, name: str, full: bool) -> dict[str, object]:
    if not full:
        return {"tag": name}
    number = tag_id(kind, name)
    return {"id": number, "filter": f"{kind.lower()}={number}", "tag": name}


def _place(item: Item, library: Library, out: dict[str, object]) -> None:
    if item.type == "show":
        seasons = library.below(item)
        leaves = [leaf for season in seasons for leaf in library.below(season)]
        out |= {"childCount": len(seasons), "leafCount": len(leaves)}
        out["viewedLeafCount"] = sum(1 for leaf in leaves if leaf.view_count)
    elif item.type == "season" and item.parent is not None:
        show, leaves = library.items[item.parent], library.below(item)
        out |= {"leafCount": len(leaves), "viewedLeafCount": sum(1 for leaf in leaves if leaf.view_count)}
        out |= _upward("parent", show) | {"parentStudio": show.studio, "parentIndex": 1}
        out["art"] = f"/library/metadata/{show.key}/art/{show.updated_at}"
    elif item.type == "episode" and item.parent is not None:
        season = library.items[item.parent]
        show = library.items[season.parent or 0]
        out |= _upward("parent", season) | {"parentIndex": season.index} | _upward("grandparent", show)
        out["grandparentArt"] = out["art"] = f"/library/metadata/{show.key}/art/{show.updated_at}"


def _upward(prefix: str, item: Item) -> dict[str, object]:
    return {
        f"{prefix}RatingKey": str(item.key),
        f"{prefix}Key": f"/library/metadata/{item.key}",
        f"{prefix}Guid": item.guid,
        f"{prefix}Title": item.title,
        f"{prefix}Thumb": f"/library/metadata/{item.key}/thumb/{item.updated_at}",
    }


def _collection(item: Item, library: Library, out: dict[str, object]) -> None:
    members = library.below(item)
    years = [member.year for member in members if member.year is not None]
    out |= {
        "subtype": item.subtype,
        "smart": "1" if item.smart else "0",
        # Plex sends these as text, unlike every other count.
        "childCount": str(len(members)),
        "minYear": str(min(years)) if years else None,
        "maxYear": str(max(years)) if years else None,
        "collectionMode": str(item.mode) if item.mode != -1 else None,
        "collectionSort": str(item.sort_mode) if item.sort_mode else None,
        "thumb": f"/library/collections/{item.key}/composite/{item.updated_at}?width=400&height=600",
    }


def _media(item: Item, shape: Shape, *, full: bool) -> dict[str, object]:
    file = item.file or ""
    part: dict[str, object] = {
        "id": item.key * 10 + 2,
        "key": f"/library/parts/{item.key * 10 + 2}/{item.updated_at}/file.{shape.container}",
        "duration": item.duration,
        "file": file,
        "size": item.file_size,
        "container": shape.container,
        "videoProfile": "main 10" if shape.video_codec == "hevc" else "high",
    }
    if full:
        part["Stream"] = _streams(item, shape)
    if not shape.video_codec:
        del part["videoProfile"]
    media: dict[str, object] = {
        "id": item.key * 10 + 1,
        "duration": item.duration,
        "bitrate": shape.bitrate,
        "audioChannels": shape.channels,
        "audioCodec": shape.audio_codec,
        "container": shape.container,
        "Part": [part],
    }
    if shape.video_codec:
        media |= {
            "width": shape.width,
            "height": shape.height,
            "aspectRatio": round(shape.width / shape.height, 2),
            "videoCodec": shape.video_codec,
            "videoResolution": shape.resolution,
            "videoFrameRate": "24p",
        }
    if item.duration is None:
        del part["duration"], media["duration"]
    return media


def with_streams(item: Item, library: Library) -> tuple[bytes, bytes]:
    """`json_parts` with the streams of the item's file, as `includeElements=Stream` asks for."""
    body, guids = item.json or json_parts(item, library)
    before, part, after = body.partition(_PART)
    if item.shape is None or not part:
        return body, guids
    template, count = _stream_template(item.shape)
    first = item.key * 100
    return b"".join((before, part, template % tuple(range(first, first + count)), after)), guids


@cache
def _stream_template(shape: Shape) -> tuple[bytes, int]:
    """The Stream member of a file with gaps for the ids: files of one shape differ in nothing else."""
    rows = [{"id": _GAP, **row} for row in _stream_rows(shape)]
    text = orjson.dumps({"Stream": rows})[1:-1].replace(b"%", b"%%")
    return text.replace(str(_GAP).encode(), b"%d") + b",", len(rows)


def _chapters(item: Item, duration: int) -> list[dict[str, object]]:
    length = duration // _CHAPTERS
    return [
        {
            "id": item.key * 1000 + number,
            "filter": f"thumb={item.key * 1000 + number}",
            "tag": f"Chapter {number + 1}",
            "index": number + 1,
            "startTimeOffset": number * length,
            "endTimeOffset": duration if number == _CHAPTERS - 1 else (number + 1) * length,
            "thumb": f"/library/media/{item.key * 10 + 1}/chapterImages/{number + 1}",
        }
        for number in range(_CHAPTERS)
    ]


def _streams(item: Item, shape: Shape) -> list[dict[str, object]]:
    return [{"id": item.key * 100 + index, **row} for index, row in enumerate(_stream_rows(shape))]


def _stream_rows(shape: Shape) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    if shape.video_codec:
        rows.append(_video_stream(shape))
    for number, code in enumerate(shape.audio):
        rows.append(_audio_stream(shape, code, first=number == 0))
    for code, forced in shape.captions:
        rows.append(_caption_stream(code, forced))
    for index, row in enumerate(rows):
        row["index"] = index
    return rows


def _video_stream(shape: Shape) -> dict[str, object]:
    dynamic = {"hdr10": "HDR10", "hlg": "HLG", "dv": "Dolby Vision"}.get(shape.hdr or "", "")
    label = "4K" if shape.resolution == "4k" else f"{shape.resolution}p"
    row: dict[str, object] = {
        "streamType": 1,
        "default": True,
        "codec": shape.video_codec,
        "bitrate": shape.bitrate,
        "bitDepth": 10 if shape.hdr else 8,
        "width": shape.width,
        "height": shape.height,
        "frameRate": 23.976,
        "colorTrc": {"hdr10": "smpte2084", "dv": "smpte2084", "hlg": "arib-std-b67"}.get(
            shape.hdr or "", "bt709"
        ),
        "colorPrimaries": "bt2020" if shape.hdr else "bt709",
        "colorSpace": "bt2020nc" if shape.hdr else "bt709",
        "profile": "main 10" if shape.hdr else "main" if shape.video_codec == "hevc" else "high",
        "displayTitle": f"{label} {dynamic} ({shape.video_codec.upper()})".replace("  ", " "),
    }
    if shape.hdr == "dv":
        row |= {"DOVIPresent": True, "DOVIProfile": 8, "DOVIBLPresent": True, "DOVIVersion": "1.0"}
    return row


def _audio_stream(shape: Shape, code: str, *, first: bool) -> dict[str, object]:
    language, tag = LANGUAGES[code]
    codec = _CODEC_NAMES.get(shape.audio_codec, shape.audio_codec.upper())
    return {
        "streamType": 2,
        **({"selected": True, "default": True} if first else {}),
        "codec": shape.audio_codec,
        "channels": shape.channels,
        "language": language,
        "languageCode": code,
        "languageTag": tag,
        "samplingRate": 48000,
        "displayTitle": f"{language} ({codec} {_LAYOUTS.get(shape.channels, shape.channels)})",
        **(
            {"extendedDisplayTitle": f"TrueHD Atmos 7.1 ({language})"}
            if shape.audio_codec == "truehd"
            else {}
        ),
    }


def _caption_stream(code: str, forced: bool) -> dict[str, object]:
    language, tag = LANGUAGES[code]
    return {
        "streamType": 3,
        "codec": "srt",
        **({"forced": True} if forced else {}),
        "language": language,
        "languageCode": code,
        "languageTag": tag,
        "displayTitle": f"{language} Forced (SRT)" if forced else f"{language} (SRT)",
    }


def entries(items: Sequence[Item], library: Library, *, guids: bool = False) -> list[dict[str, object]]:
    """List entries of several items."""
    return [entry(item, library, guids=guids) for item in items]
