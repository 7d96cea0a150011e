"""The sheet of a title: what the catalogs tell of it, where the household has it, and the requests for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from medianest_core.domain.discover.entries import Details, Entry
from medianest_core.domain.library.reading.titles import TitleDetail
from medianest_core.domain.requests.entries import Wanted
from medianest_core.host.instance import InstanceInfo
from medianest_core.sdk.pipeline import MediaType
from medianest_core.web.portal.formats import runtime
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.pages.discover_form import wish_rows
from medianest_core.web.portal.pages.discover_rows import sheet_path, trouble_notes, type_label
from medianest_core.web.portal.pages.places import place_row
from medianest_core.web.portal.pages.posters import art, day
from medianest_core.web.portal.views import Action, Art, Choice, Fact, Person
from medianest_core.web.portal.views.discover import RequestForm, SheetView

_PEOPLE = 24
_VIDEOS = 4


def sheet_view(
    entry: Entry,
    details: Details,
    form: RequestForm,
    wishes: Sequence[Wanted],
    held: TitleDetail | None,
    instances: Mapping[str, InstanceInfo],
    types: Mapping[str, MediaType],
) -> SheetView:
    """held: the library's title. instances: by id."""
    there = entry.available
    library = (
        Action(
            label=_("Open in the library"),
            path=f"/title/{there.title_id}",
            icon="library-big",
            tone="primary",
        )
        if there is not None
        else None
    )
    report = (
        Action(label=_("Report a problem"), path=f"/title/{there.title_id}/report", icon="flag")
        if there is not None
        else None
    )
    return SheetView(
        title=entry.title,
        kind=entry.kind,
        kind_label=type_label(entry.kind, types),
        path=sheet_path(entry.key),
        form=form,
        poster=art(entry.image, entry.title),
        backdrop=Art(path=f"/img/{entry.backdrop}?wide=1") if entry.backdrop else None,
        original_title=entry.original_title if entry.original_title != entry.title else "",
        tagline=str(details.fields.get("tagline") or ""),
        overview=entry.summary,
        headline=_headline(entry, details),
        genres=tuple(entry.genres),
        rating=entry.rating or None,
        facts=_facts(entry, details),
        actions=(library, report) if library and report else (),
        wishes=wish_rows(wishes),
        availability=tuple(place_row(held.row, place, instances) for place in held.availability)
        if held is not None
        else (),
        people=tuple(
            Person(name=one.name, role=one.role, art=art(one.image)) for one in details.people[:_PEOPLE]
        ),
        live="request:update" + (f" library:changed/{there.title_id}" if there is not None else ""),
        videos=_videos(details),
        notes=trouble_notes(details.troubles),
        credits=tuple(_(one) for one in details.attributions),
    )


def _headline(entry: Entry, details: Details) -> tuple[str, ...]:
    words = [str(entry.year)] if entry.year else []
    if entry.runtime:
        words.append(runtime(entry.runtime))
    seasons = sum(1 for one in details.seasons if one.number)
    if seasons:
        words.append(ngettext("%(num)d season", "%(num)d seasons", seasons) % {"num": seasons})
    return tuple(words)


def _facts(entry: Entry, details: Details) -> tuple[Fact, ...]:
    facts = []
    if entry.released and (released := day(entry.released)) is not None:
        facts.append(Fact(label=_("Released"), value=released, kind="day"))
    for name, label in (
        ("studio", _("Studio")),
        ("content_rating", _("Rated")),
        ("collection", _("Part of")),
    ):
        if isinstance(value := details.fields.get(name), str) and value:
            facts.append(Fact(label=label, value=value))
    return tuple(facts)


def _videos(details: Details) -> tuple[Choice, ...]:
    """Trailers and the like, on other sites."""
    found = []
    given = details.fields.get("videos")
    for one in given if isinstance(given, list | tuple) else ():
        if not isinstance(one, Mapping):
            continue
        address = str(one.get("url") or "")
        if urlsplit(address).scheme == "https":
            found.append(Choice(label=str(one.get("title") or _("Trailer")), value=address, path=address))
    return tuple(found[:_VIDEOS])
