"""Downloads: submissions, their items and files, what each person already has, and when they submitted."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from medianest_core.sdk.storage import user_fk
from medianest_core.store.tables.base import metadata
from medianest_core.store.types import Id, Json, Seconds

downloads = Table(
    "downloads",
    metadata,
    Column("id", Id, primary_key=True),
    user_fk(),
    Column("instance_id", Id, nullable=False),
    Column("url", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("title", Text, nullable=False),
    Column("channel", Text, nullable=False, default=""),
    Column("thumbnail", Text),
    Column("quality", String(40), nullable=False),
    Column("container", String(20), nullable=False),
    Column("subtitles", Json, nullable=False),
    # Below the downloads folder, with "/" between parts.
    Column("folder", Text, nullable=False),
    # queued | running | paused | filing | done | partial | failed | cancelled
    Column("status", String(12), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("position", Double, nullable=False),
    Column("target_instance", Id),
    Column("target_library", String(190)),
    # The downloads folder as the media server sees it.
    Column("server_folder", Text),
    Column("collection", Text),
    Column("collection_key", String(190)),
    # The subscription that asked for it; it may be gone.
    Column("subscription_id", Id),
    # {"stage", "reason", "steps": {stage: epoch seconds}, "tries"}
    Column("filing", Json, nullable=False),
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", Seconds, nullable=False),
    Column("finished_at", Seconds),
)
Index("ix_downloads_subscription", downloads.c.subscription_id)
Index("ix_downloads_owner", downloads.c.user_id, downloads.c.created_at)
Index("ix_downloads_created_at", downloads.c.created_at)
_OPEN = text("status IN ('queued', 'running', 'paused', 'filing')")
Index("ix_downloads_open", downloads.c.instance_id, sqlite_where=_OPEN, postgresql_where=_OPEN)

download_items = Table(
    "download_items",
    metadata,
    Column("id", Id, primary_key=True),
    Column("download_id", Id, ForeignKey("downloads.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", Id, nullable=False),
    Column("instance_id", Id, nullable=False),
    Column("key", String(190), nullable=False),
    # "video" or "audio": one item may be had as both.
    Column("form", String(10), nullable=False),
    Column("url", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("duration", Double),
    Column("size", BigInteger),
    Column("thumbnail", Text),
    # queued | running | done | failed | cancelled | skipped (cannot be had)
    Column("status", String(12), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("tries", Integer, nullable=False, default=0),
    Column("due_at", Seconds, nullable=False, default=0.0),
    Column("job_id", Id),
    # Already there from an earlier download, so not fetched again.
    Column("linked", Boolean, nullable=False, default=False),
    Column("media_key", String(190)),
    # Where the site does not say when, what puts it in order among the others of its subscription.
    Column("published_at", Seconds),
    Column("facts", Json, nullable=False),
    Column("finished_at", Seconds),
)
Index("ix_download_items_download", download_items.c.download_id, download_items.c.number)
Index("ix_download_items_job", download_items.c.job_id)
_WAITING = text("status IN ('queued', 'running')")
Index(
    "ix_download_items_open",
    download_items.c.instance_id,
    download_items.c.status,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)

download_files = Table(
    "download_files",
    metadata,
    Column("id", Id, primary_key=True),
    Column("item_id", Id, ForeignKey("download_items.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("user_id", Id, nullable=False),
    # Below the downloads folder.
    Column("path", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("media_type", String(100), nullable=False),
)
Index("ix_download_files_path", download_files.c.path)

download_archive = Table(
    "download_archive",
    metadata,
    user_fk(),
    # Name of the plugin, so that two instances of it share what a person has.
    Column("downloader", String(64), nullable=False),
    Column("key", String(190), nullable=False),
    Column("form", String(10), nullable=False),
    Column("item_id", Id, nullable=False),
    Column("at", Seconds, nullable=False),
)
Index(
    "uq_download_archive",
    download_archive.c.user_id,
    download_archive.c.downloader,
    download_archive.c.key,
    download_archive.c.form,
    unique=True,
)

download_submissions = Table(
    "download_submissions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    user_fk(),
    Column("instance_id", Id, nullable=False),
    Column("at", Seconds, nullable=False),
)

# Which collections of a server were made for whose downloads.
download_collections = Table(
    "download_collections",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    user_fk(),
    Column("instance_id", Id, nullable=False),
    Column("library", String(190), nullable=False),
    # The title in lower case: a name is one person's in a library.
    Column("name", Text, nullable=False),
    Column("download_id", Id, nullable=False),
    # NULL: claimed, and about to be made.
    Column("key", String(190)),
    Column("made_at", Seconds, nullable=False),
)
Index(
    "uq_download_collections",
    download_collections.c.instance_id,
    download_collections.c.library,
    download_collections.c.name,
    unique=True,
)

# Locked while items of an instance are chosen, so that no two processes exceed its limit.
download_queues = Table(
    "download_queues",
    metadata,
    Column("instance_id", Id, primary_key=True),
    Column("turn", Integer, nullable=False),
)

download_subscriptions = Table(
    "download_subscriptions",
    metadata,
    Column("id", Id, primary_key=True),
    user_fk(),
    Column("instance_id", Id, nullable=False),
    Column("url", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("wishes", Json, nullable=False),
    Column("paused_at", Seconds),
    # None while it is paused.
    Column("due_at", Seconds),
    Column("last_at", Seconds),
    Column("newest_at", Seconds),
    Column("error", Text, nullable=False, default=""),
    Column("failures", Integer, nullable=False, default=0),
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", Seconds, nullable=False),
)
Index("ix_download_subscriptions_due", download_subscriptions.c.due_at)

# What was there before someone subscribed, and what a subscription has taken away again: never new.
download_subscription_known = Table(
    "download_subscription_known",
    metadata,
    Column(
        "subscription_id",
        Id,
        ForeignKey("download_subscriptions.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("key", String(190), primary_key=True),
)
