"""View-models shared by every page: the shell, artwork, posters, tiles and their five states, actions and tables.

Conventions of all view-models: `path` fields are portal paths without the sub-path (templates pass them through
`url()`); names ending in `_at` are float epoch seconds UTC, durations are seconds, sizes are bytes, fractions are 0 to 1;
texts are already translated. Templates hold no logic beyond choosing how to show what is here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from markupsafe import Markup

Tone = Literal["neutral", "primary", "success", "warning", "error", "info"]
TileKind = Literal["normal", "empty", "loading", "stale", "failed"]
Method = Literal["get", "post"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing a person can do. A `get` is a link; a `post` is a form of one button, sent by htmx where it can.

    `confirm` asks first, `confirm_word` must be typed. `values` travel as form fields. `swap` is what the
    answer of an htmx request replaces, such as `closest [data-swap]`; without it the form is sent as any other and answered by
    a redirect. `optimistic`: the word for what it comes to, shown at once and taken back where it is refused. `new_tab` for other
    sites. `disabled` is the reason why it cannot be done now.
    """

    label: str
    path: str
    method: Method = "get"
    icon: str | None = None
    tone: Tone = "neutral"
    confirm: str | None = None
    confirm_word: str | None = None
    values: tuple[tuple[str, str], ...] = ()
    swap: str | None = None
    optimistic: str = ""
    new_tab: bool = False
    disabled: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TileState:
    """What a tile says instead of, or above (`stale`), its content: what, since when, who can fix it and one button."""

    kind: TileKind = "normal"
    title: str = ""
    text: str = ""
    since_at: float | None = None
    icon: str | None = None
    action: Action | None = None


NORMAL = TileState()


@dataclass(frozen=True, slots=True, kw_only=True)
class Art:
    """An image of the portal's own image endpoint: `path` without query; templates ask for widths by `?w=`. `blur`: a `data:` address
    that is shown while it loads."""

    path: str
    alt: str = ""
    blur: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    text: str
    tone: Tone = "neutral"
    icon: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """One title in a grid or on a shelf. `progress` is the watched fraction; `wide` asks for 16:9 instead of 2:3."""

    title: str
    path: str
    art: Art | None = None
    subtitle: str = ""
    icon: str = "film"
    badge: Badge | None = None
    progress: float | None = None
    seen: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A row of posters that scrolls sideways. `live` names events that make it load again from `load_path`."""

    id: str
    title: str
    posters: tuple[Poster, ...] = ()
    more_path: str | None = None
    load_path: str | None = None
    live: str = ""
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A dashboard card of the core or a plugin. `html` is its finished body; without it `load_path` fills it later.

    `path` is the card's own page, the way in without JavaScript. `span` is 1 or 2 columns.
    """

    id: str
    title: str
    icon: str = "blocks"
    path: str | None = None
    html: Markup | None = None
    load_path: str | None = None
    live: str = ""
    span: Literal[1, 2] = 1
    state: TileState = NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A label and its value. A value is text, or epoch seconds, seconds or bytes as `kind` says."""

    label: str
    value: str | float
    kind: Literal["text", "datetime", "day", "age", "duration", "bytes", "number", "code"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """A figure on an overview."""

    label: str
    value: str
    note: str = ""
    tone: Tone = "neutral"
    icon: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Progress of long work. `live` is the `data-progress` key (`download/ID`, `job/ID`, `sync/ID`) that socket events patch.

    `fraction` None means the total is unknown. `rate` is bytes a second, `left` seconds.
    """

    live: str
    fraction: float | None = None
    done: int | None = None
    total: int | None = None
    rate: float | None = None
    left: float | None = None
    text: str = ""
    tone: Tone = "primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One option of a filter, sort, tab or select."""

    label: str
    value: str
    path: str = ""
    current: bool = False
    count: int | None = None
    help: str = ""
    disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedBar:
    """The searches that somebody keeps of a page. `query`: what is searched for now, empty where there is nothing to keep; `suggested`
    is a name for it. `forget_path` where it is kept already."""

    place: str = ""
    items: tuple[Choice, ...] = ()
    query: str = ""
    suggested: str = ""
    forget_path: str | None = None


UNSAVED = SavedBar()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinel:
    """The end of a page of an endless list: `next_path` is the fragment that replaces it, `page_path` the same without script."""

    next_path: str
    page_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NavLink:
    """An entry of the navigation. `bottom` puts it in the phone's bar (at most four are shown there)."""

    key: str
    label: str
    path: str
    icon: str
    current: bool = False
    count: int = 0
    bottom: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NavGroup:
    label: str
    links: tuple[NavLink, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """A sentence above the page. `id` set makes it dismissable for the session."""

    text: str
    tone: Tone = "warning"
    since_at: float | None = None
    action: Action | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellUser:
    id: str
    name: str
    admin: bool = False
    avatar: Art | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """What `core/base.html` shows around a page. `unread` counts notifications; `live` False leaves the socket unopened.

    `insecure` shows admins that the portal is served over plain http. `seq` is the newest live event when the page was made:
    what comes after it is replayed as soon as the socket is open. `flash` is what the step before had to say.
    """

    user: ShellUser | None = None
    nav: tuple[NavGroup, ...] = ()
    banners: tuple[Banner, ...] = ()
    unread: int = 0
    insecure: bool = False
    live: bool = True
    seq: int | None = None
    flash: str = ""
    site_name: str = "MediaNest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crumb:
    label: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """A row of the search box. `group` names its section (titles, pages, settings, actions). `method` post: something that is done."""

    label: str
    path: str
    group: str
    note: str = ""
    icon: str = "film"
    art: Art | None = None
    method: Method = "get"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchView:
    """`core/fragments/search.html`, and the search page without JavaScript. `more_path` brings what takes longer to find; `notes` say
    what could not be asked; `step` tells the parts of one answer apart."""

    query: str
    hits: tuple[SearchHit, ...] = ()
    all_path: str | None = None
    more_path: str | None = None
    notes: tuple[TileState, ...] = ()
    credits: tuple[str, ...] = ()
    step: str = "hit"
    state: TileState = NORMAL

    @property
    def groups(self) -> tuple[tuple[str, tuple[SearchHit, ...]], ...]:
        """The hits by their sections, in the order of the first of each."""
        found: dict[str, list[SearchHit]] = {}
        for hit in self.hits:
            found.setdefault(hit.group, []).append(hit)
        return tuple((label, tuple(hits)) for label, hits in found.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorView:
    """`core/errors/*.html`: what happened in plain words, what to do, and the number to quote."""

    status: int
    title: str
    text: str
    correlation_id: str = ""
    retry_at: float | None = None
    actions: tuple[Action, ...] = ()
    details: tuple[Fact, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginPageView:
    """`core/plugin_page.html`: a plugin's page body inside the shell, or its failure."""

    title: str
    html: Markup | None = None
    subtitle: str = ""
    actions: tuple[Action, ...] = ()
    state: TileState = NORMAL
