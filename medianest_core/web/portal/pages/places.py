"""Where a title of the library can be played: one row for each copy."""

from __future__ import annotations

from collections.abc import Mapping

from medianest_core.domain.library.reading.query import TitleRow
from medianest_core.domain.library.reading.titles import Availability as Place
from medianest_core.host.instance import InstanceInfo
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.pages.posters import media_badges
from medianest_core.web.portal.views import NORMAL, Action, Availability, TileState


def place_row(row: TitleRow, place: Place, instances: Mapping[str, InstanceInfo]) -> Availability:
    """instances: by id."""
    info = instances.get(place.instance_id)
    name = info.title if info else place.instance_id
    state = NORMAL
    if info is not None and not info.ready:
        state = TileState(
            kind="stale",
            title=_("Not available right now"),
            text=info.reason,
            since_at=info.since,
        )
    return Availability(
        server=name,
        library=place.library,
        qualities=media_badges(place.media, place.quality, place.captions),
        size=place.size or None,
        added_at=place.added_at,
        play=Action(
            label=_("Play on %(server)s") % {"server": name},
            path=f"/title/{row.id}/play/{place.instance_id}",
            icon="play",
            tone="primary",
            new_tab=True,
        ),
        state=state,
    )
