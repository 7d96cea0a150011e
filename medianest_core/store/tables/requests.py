"""Requests for titles: who wants what, who decided what and why, the rules they are held to, and issues with titles that are here."""

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from medianest_core.sdk.storage import user_fk
from medianest_core.store.tables.base import NAMES_A_TITLE, metadata
from medianest_core.store.types import Id, Json, Seconds

requests = Table(
    "requests",
    metadata,
    Column("id", Id, primary_key=True),
    # A media type; root_kind: of the title that `ids` belong to, e.g. "show" for a season.
    Column("kind", String(40), nullable=False),
    Column("root_kind", String(40), nullable=False),
    Column("ids", Json, nullable=False),
    Column("title", Text, nullable=False),
    Column("year", Integer),
    Column("image", Text),
    # Numbers; empty: all there are. Episodes: [season, episode].
    Column("seasons", Json, nullable=False),
    Column("episodes", Json, nullable=False),
    Column("variant", String(20), nullable=False),
    # See domain/requests/states.py.
    Column("state", String(20), nullable=False),
    # Why it is held: "review" waits for an admin, "backend" goes on by itself; else empty.
    Column("held_by", String(20), nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    # What tells this wish from others while it is open, else NULL: two open requests never ask for the same.
    Column("open_key", Text),
    # Whose wish it is, and who entered it where that is someone else.
    Column("user_id", Id, ForeignKey("users.id", ondelete="SET NULL")),
    Column("created_by", Id, ForeignKey("users.id", ondelete="SET NULL")),
    Column("profile_id", Id, ForeignKey("request_profiles.id", ondelete="SET NULL")),
    Column("options", Json, nullable=False),
    # The backend that was chosen or asked, and its id of the request once it is known.
    Column("instance_id", Id),
    Column("reference", String(190)),
    # When it was (about to be) sent: from then on nobody sends again without looking there first.
    Column("sent_at", Seconds),
    Column("checked_at", Seconds, nullable=False, default=0.0),
    # Season → status, as the backend says; season → how many episodes it has, as a catalog says.
    Column("parts", Json, nullable=False),
    Column("sizes", Json, nullable=False),
    # Where it was made: "" here, "backend" at the service itself, "watchlist" by a person's list. origin_name: whose it is there, where
    # that is nobody we know.
    Column("origin", String(20), nullable=False, default=""),
    Column("origin_name", String(200), nullable=False, default=""),
    Column("title_id", Integer, info={NAMES_A_TITLE: True}),
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", Seconds, nullable=False),
    Column("changed_at", Seconds, nullable=False),
    Column("finished_at", Seconds),
    UniqueConstraint("open_key"),
)
Index("ix_requests_created_at", requests.c.created_at, requests.c.id)
Index("ix_requests_state", requests.c.state, requests.c.created_at, requests.c.id)
Index("ix_requests_instance", requests.c.instance_id, requests.c.reference)
Index("ix_requests_created_by", requests.c.created_by, requests.c.created_at)
Index("ix_requests_user", requests.c.user_id)
_OPEN = text("open_key IS NOT NULL")
Index("ix_requests_open", requests.c.state, sqlite_where=_OPEN, postgresql_where=_OPEN)

# Each external id of a request's title, so that a title is found by any of them.
request_ids = Table(
    "request_ids",
    metadata,
    Column("request_id", Id, ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True),
    Column("provider", String(40), primary_key=True),
    Column("value", String(190), nullable=False),
    Column("root_kind", String(40), nullable=False),
)
Index("ix_request_ids_value", request_ids.c.root_kind, request_ids.c.provider, request_ids.c.value)

request_participants = Table(
    "request_participants",
    metadata,
    Column("request_id", Id, ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("joined_at", Seconds, nullable=False),
    # Of the request: so that a person's list is one walk through an index.
    Column("created_at", Seconds, nullable=False),
)
Index(
    "ix_request_participants_user",
    request_participants.c.user_id,
    request_participants.c.created_at,
    request_participants.c.request_id,
)

request_comments = Table(
    "request_comments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("request_id", Id, ForeignKey("requests.id", ondelete="CASCADE"), nullable=False),
    user_fk(nullable=True, ondelete="SET NULL"),
    Column("text", Text, nullable=False),
    Column("at", Seconds, nullable=False),
)
Index("ix_request_comments_request", request_comments.c.request_id, request_comments.c.at)

request_decisions = Table(
    "request_decisions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("request_id", Id, ForeignKey("requests.id", ondelete="CASCADE"), nullable=False),
    Column("at", Seconds, nullable=False),
    Column("before", String(20), nullable=False),
    Column("after", String(20), nullable=False),
    # Who: a person; or what: "policy", "hook:<plugin>", "backend:<instance>", "library", "job".
    Column("actor", Id),
    Column("rule", String(80), nullable=False),
    Column("reason", Text, nullable=False, default=""),
)
Index("ix_request_decisions_request", request_decisions.c.request_id, request_decisions.c.id)

request_usage = Table(
    "request_usage",
    metadata,
    Column("request_id", Id, ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True),
    Column("meter", String(60), primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("amount", Double, nullable=False),
    Column("at", Seconds, nullable=False),
)
Index("ix_request_usage_user", request_usage.c.user_id, request_usage.c.meter, request_usage.c.at)

request_policies = Table(
    "request_policies",
    metadata,
    Column("id", Id, primary_key=True),
    # "role" or "user", and which.
    Column("subject", String(10), nullable=False),
    Column("subject_id", Id, nullable=False),
    # A media type or "*". variant: "", "4k", … or "*".
    Column("kind", String(40), nullable=False),
    Column("variant", String(20), nullable=False),
    Column("allowed", Boolean, nullable=False),
    Column("auto_approve", Boolean, nullable=False),
    # Whether a person's list at a service may ask for them.
    Column("watchlist", Boolean, nullable=False, default=True),
    Column("meter", String(60), nullable=False),
    # NULL: no limit.
    Column("quota", Double),
    Column("window_days", Integer, nullable=False),
    Column("version", Integer, nullable=False, default=1),
    UniqueConstraint("subject", "subject_id", "kind", "variant", name="uq_request_policies"),
)

request_profiles = Table(
    "request_profiles",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("kinds", Json, nullable=False),
    Column("variant", String(20), nullable=False),
    Column("instance_id", Id),
    Column("options", Json, nullable=False),
    Column("position", Integer, nullable=False, default=0),
    # Chosen where nobody chooses.
    Column("preferred", Boolean, nullable=False, default=False),
    Column("admins_only", Boolean, nullable=False, default=False),
    Column("version", Integer, nullable=False, default=1),
)

request_blocklist = Table(
    "request_blocklist",
    metadata,
    Column("id", Id, primary_key=True),
    Column("root_kind", String(40), nullable=False),
    Column("ids", Json, nullable=False),
    Column("title", Text, nullable=False),
    Column("year", Integer),
    Column("reason", Text, nullable=False, default=""),
    Column("blocked_by", Id),
    Column("at", Seconds, nullable=False),
)
request_blocked_ids = Table(
    "request_blocked_ids",
    metadata,
    Column("root_kind", String(40), primary_key=True),
    Column("provider", String(40), primary_key=True),
    Column("value", String(190), primary_key=True),
    Column(
        "block_id", Id, ForeignKey("request_blocklist.id", ondelete="CASCADE"), nullable=False, index=True
    ),
)

request_issues = Table(
    "request_issues",
    metadata,
    Column("id", Id, primary_key=True),
    # Of the reporter.
    user_fk(nullable=True, ondelete="SET NULL"),
    Column("title_id", Integer, info={NAMES_A_TITLE: True}),
    Column("request_id", Id, ForeignKey("requests.id", ondelete="SET NULL")),
    Column("kind", String(40), nullable=False),
    Column("ids", Json, nullable=False),
    Column("title", Text, nullable=False),
    Column("year", Integer),
    Column("seasons", Json, nullable=False),
    Column("episodes", Json, nullable=False),
    # video | audio | subtitles | other
    Column("problem", String(20), nullable=False),
    Column("message", Text, nullable=False),
    Column("answer", Text, nullable=False, default=""),
    # open | resolved
    Column("state", String(20), nullable=False),
    # Where the backend was told.
    Column("instance_id", Id),
    Column("reference", String(190)),
    # Who reported it there, where that is nobody we know.
    Column("origin_name", String(200), nullable=False, default=""),
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", Seconds, nullable=False),
    Column("resolved_at", Seconds),
    Column("resolved_by", Id),
)
Index("ix_request_issues_created_at", request_issues.c.created_at, request_issues.c.id)
Index("ix_request_issues_state", request_issues.c.state, request_issues.c.created_at, request_issues.c.id)
Index("ix_request_issues_owner", request_issues.c.user_id, request_issues.c.created_at)
Index("ix_request_issues_request", request_issues.c.request_id)

# What was taken over from each backend, also where nothing of it is left here: it is taken over once.
request_imports = Table(
    "request_imports",
    metadata,
    Column("instance_id", Id, primary_key=True),
    Column("reference", String(190), primary_key=True),
    # The request that it became or belongs to; no foreign key, as this outlives it.
    Column("request_id", Id),
    Column("at", Seconds, nullable=False),
)

# How far each backend has been read: what changed there since is asked for next.
request_sources = Table(
    "request_sources",
    metadata,
    Column("instance_id", Id, primary_key=True),
    Column("listed_at", Seconds, nullable=False),
    Column("issues_at", Seconds, nullable=False, default=0.0),
)

# People whose lists at services are read, because they want that.
request_watchers = Table(
    "request_watchers",
    metadata,
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("checked_at", Seconds, nullable=False, default=0.0),
    # Why the last reading came to nothing; empty where it went well.
    Column("problem", Text, nullable=False, default=""),
    Column("version", Integer, nullable=False, default=1),
)

# What became of each title on somebody's list: it is asked for once.
request_watched = Table(
    "request_watched",
    metadata,
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    # root kind, provider and id of the title.
    Column("key", String(240), primary_key=True),
    Column("title", Text, nullable=False),
    # created | joined | available | denied | blocked | refused
    Column("outcome", String(20), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("request_id", Id),
    Column("at", Seconds, nullable=False),
)
