"""Plugins, configured service instances, and the state each of them has in each process."""

from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from medianest_core.base.texts import N_
from medianest_core.store.tables.base import metadata
from medianest_core.store.types import Id, Json, Seconds

plugins = Table(
    "plugins",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("enabled", Boolean, nullable=False, default=True),
    # Suspension is tied to the code that misbehaved: another build of the plugin gets a fresh chance.
    Column("suspended_stamp", String(64), nullable=False, default=""),
    Column("suspended_reason", Text, nullable=False, default=""),
    Column("updated_at", Seconds, nullable=False),
    Column("updated_by", Id),
)

instances = Table(
    "instances",
    metadata,
    Column("id", Id, primary_key=True),
    Column("plugin", String(64), nullable=False),
    Column("service", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("settings_json", Json, nullable=False),
    Column("enabled", Boolean, nullable=False, default=True),
    # Settings that crashed the plugin over and over; others get a fresh chance.
    Column("suspended_fingerprint", String(64), nullable=False, default=""),
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", Seconds, nullable=False),
    Column("updated_at", Seconds, nullable=False),
    Column("updated_by", Id),
    UniqueConstraint("plugin", "name"),
)

plugin_states = Table(
    "plugin_states",
    metadata,
    Column("process", String(100), primary_key=True),
    Column("plugin", String(64), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("trace", Text, nullable=False, default=""),
    Column("since_at", Seconds, nullable=False),
    Column("seen_at", Seconds, nullable=False),
    info={"travels": ("never", N_("It is the state of processes that run."))},
)

instance_states = Table(
    "instance_states",
    metadata,
    Column("process", String(100), primary_key=True),
    Column("instance_id", Id, ForeignKey("instances.id", ondelete="CASCADE"), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("since_at", Seconds, nullable=False),
    Column("next_at", Seconds),
    Column("service_version", String(100)),
    Column("last_ok_at", Seconds),
    Column("last_error", Text, nullable=False, default=""),
    Column("last_error_at", Seconds),
    Column("seen_at", Seconds, nullable=False),
    info={"travels": ("never", N_("It is the state of processes that run."))},
)
