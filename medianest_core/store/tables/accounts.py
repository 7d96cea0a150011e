"""Accounts: people, how they prove who they are, and the sessions and keys that follow from it."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from medianest_core.base.texts import N_
from medianest_core.store.tables.base import metadata
from medianest_core.store.types import Id, Json, Seconds

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("username", String(100), nullable=False),
    Column("display_name", String(100), nullable=False, default=""),
    Column("email", String(320)),
    Column("avatar", Text),
    Column("role", String(20), nullable=False, default="user"),
    Column("status", String(20), nullable=False, default="pending"),
    Column("locale", String(20)),
    Column("timezone", String(64)),
    Column("theme", String(20)),
    Column("created_at", Seconds, nullable=False),
    Column("last_login_at", Seconds),
    Column("version", Integer, nullable=False, default=1),
    Index("ix_users_status", "status"),
)

identities = Table(
    "identities",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    # The name of the plugin that vouches for the person; several of its instances know the same subjects.
    Column("provider", String(64), nullable=False),
    # Not a foreign key: an identity outlives the instance it was first proven at.
    Column("instance_id", Id),
    Column("subject", String(255), nullable=False),
    Column("username", String(100), nullable=False, default=""),
    Column("token_sealed", Text),
    Column("created_at", Seconds, nullable=False),
    Column("checked_at", Seconds, nullable=False),
    Column("revoked_at", Seconds),
    UniqueConstraint("provider", "subject"),
)

passwords = Table(
    "passwords",
    metadata,
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    # Case-folded user name: what is typed into the form.
    Column("login", String(100), nullable=False, unique=True),
    Column("hash", Text, nullable=False),
    Column("changed_at", Seconds, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    # The secret itself stands only in the cookie.
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("identity_id", Id, ForeignKey("identities.id", ondelete="CASCADE"), index=True),
    Column("remember", Boolean, nullable=False, default=False),
    Column("created_at", Seconds, nullable=False),
    Column("last_seen_at", Seconds, nullable=False),
    Column("expires_at", Seconds, nullable=False),
    Column("user_agent", String(300), nullable=False, default=""),
    Column("ip", String(64), nullable=False, default=""),
    Column("revoked_at", Seconds),
    Column("revoked_reason", String(40), nullable=False, default=""),
    info={"travels": ("copy", N_("Whoever signed out since must not be signed in again."))},
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("id", Id, primary_key=True),
    # Hash of the cookie that ties the attempt to one browser.
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("provider", String(64), nullable=False),
    Column("instance_id", Id, nullable=False),
    Column("flow", String(20), nullable=False),
    Column("state_sealed", Text, nullable=False),
    Column("code", String(64)),
    Column("url", Text),
    Column("poll_every", Seconds, nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("expires_at", Seconds, nullable=False, index=True),
    Column("polled_at", Seconds, nullable=False, default=0.0),
    Column("used_at", Seconds),
    # Set where a signed-in person adds another identity to their account.
    Column("link_user_id", Id, ForeignKey("users.id", ondelete="CASCADE")),
    Column("remember", Boolean, nullable=False, default=False),
    info={"travels": ("never", N_("Sign-ins that were under way are begun again."))},
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("prefix", String(16), nullable=False),
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("last_used_at", Seconds),
    # None: until it is removed.
    Column("expires_at", Seconds),
)

setup = Table(
    "setup",
    metadata,
    Column("id", Integer, primary_key=True),
    # Sealed rather than hashed: every process and every start prints the same link until it is used.
    Column("token_sealed", Text, nullable=False),
    Column("created_at", Seconds, nullable=False),
    Column("used_at", Seconds),
    Column("used_by", Id),
)
