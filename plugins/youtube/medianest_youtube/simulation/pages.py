"""The site's pages for people: plain HTML that shows films and gives addresses to paste."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from medianest_youtube.simulation.catalogue import Catalogue, Channel, Playlist, Video

STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#22252b, #e9e6df); --paper: light-dark(#faf7f1, #16181d);
  --card: light-dark(#fff, #20232a); --accent: light-dark(#a63d2f, #f0a868); --quiet: light-dark(#6b6f76, #9aa0a9) }
* { box-sizing: border-box } body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
header { padding: 1rem clamp(1rem, 4vw, 3rem); border-bottom: 1px solid color-mix(in srgb, var(--ink) 14%, transparent) }
header a { font-weight: 700; font-size: 1.15rem; text-decoration: none; color: var(--accent) }
main { padding: 1.5rem clamp(1rem, 4vw, 3rem); max-width: 1200px; margin: auto } a { color: inherit }
h1 { font-size: 1.6rem; margin: .6rem 0 } h2 { font-size: 1.15rem; margin: 2rem 0 .8rem } p.quiet, small { color: var(--quiet) }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 1.1rem; padding: 0; margin: 0; list-style: none }
.grid a { text-decoration: none; display: block } .grid img { width: 100%; aspect-ratio: 16/9; object-fit: cover; border-radius: .6rem; background: var(--card) }
.grid strong { display: block; font-weight: 600; line-height: 1.3; margin: .4rem 0 .1rem; overflow-wrap: anywhere }
video { width: 100%; max-height: 70vh; border-radius: .8rem; background: #000 } code { background: var(--card); padding: .15rem .4rem; border-radius: .3rem; overflow-wrap: anywhere }
"""


def page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="/site.css"></head><body>'
        f'<header><a href="/">Little Video Site</a></header><main>{body}</main></body></html>'
    )


def home(site: Catalogue, base: str) -> str:
    lists = "".join(
        f"{_card(f'/playlist?list={one.id}', one.videos[0], one.title, f'{len(one.videos)} videos')}"
        for one in site.playlists.values()
    )
    parts = [
        f'<h1>Little Video Site</h1><p class="quiet">Paste any address of this site, e.g. <code>{escape(base)}/watch?v=…</code></p>'
        f'<h2>Playlists</h2><ul class="grid">{lists}</ul>'
    ]
    for channel in site.channels.values():
        parts.append(f'<h2><a href="/@{channel.handle}">{escape(channel.name)}</a></h2>')
        parts.append(_grid(site, channel.videos[:8]))
    odd = [video.id for video in site.videos.values() if video.kind not in ("ok", "short")]
    parts.append(f"<h2>Videos with something in the way</h2>{_grid(site, odd)}")
    return page("Little Video Site", "".join(parts))


def watch(site: Catalogue, video: Video, base: str) -> str:
    channel = site.channels[video.channel]
    player = (
        f'<video controls preload="metadata" poster="/vi/{video.id}.jpg" src="/media/{video.id}/18.mp4"></video>'
        if video.playable
        else f'<p class="quiet">{escape(video.error or "Live now")}</p>'
    )
    return page(
        video.title,
        f'{player}<h1>{escape(video.title)}</h1><p><a href="/@{channel.handle}">{escape(channel.name)}</a></p>'
        f"<p>{escape(video.description)}</p><p><code>{escape(base)}/watch?v={video.id}</code></p>",
    )


def listing(site: Catalogue, title: str, videos: Iterable[str], address: str) -> str:
    return page(title, f"<h1>{escape(title)}</h1><p><code>{escape(address)}</code></p>{_grid(site, videos)}")


def feed(site: Catalogue, source: Channel | Playlist, base: str) -> str:
    title = source.name if isinstance(source, Channel) else source.title
    items = "".join(
        f"<item><title>{escape(video.title)}</title><guid>{video.id}</guid><link>{escape(base)}/watch?v={video.id}</link></item>"
        for video in (site.videos[one] for one in source.videos[:15])
        if video.playable
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>{escape(title)}</title><link>{escape(base)}/</link><description/>{items}</channel></rss>'


def _grid(site: Catalogue, videos: Iterable[str]) -> str:
    cards = (
        _card(f"/watch?v={one}", one, site.videos[one].title, site.channels[site.videos[one].channel].name)
        for one in videos
    )
    return f'<ul class="grid">{"".join(cards)}</ul>'


def _card(address: str, picture: str, title: str, below: str) -> str:
    return (
        f'<li><a href="{escape(address)}"><img loading="lazy" alt="" src="/vi/{picture}.jpg">'
        f"<strong>{escape(title)}</strong><small>{escape(below)}</small></a></li>"
    )
