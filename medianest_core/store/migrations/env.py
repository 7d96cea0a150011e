"""Alembic's environment, for the core's tables and for plugins'."""

from alembic import context

from medianest_core.store.migrate import configure_context

configure_context(context)
