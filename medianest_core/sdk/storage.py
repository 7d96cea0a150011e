"""Tables of plugins.

A plugin's tables carry its name as prefix, live in its own MetaData and have their own Alembic version table. Foreign keys
point only to the stable core tables named here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Column, CursorResult, Executable, ForeignKey, MetaData, String

if TYPE_CHECKING:
    from alembic.operations import Operations


class Transaction(Protocol):
    """An open transaction. Times are float epoch seconds, ids are text."""

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Run a SQLAlchemy Core statement; the result is buffered."""

    def after_commit(self, callback: Callable[[], Awaitable[None] | None]) -> None:
        """Call once the transaction is durable; never called after a rollback."""


@dataclass(frozen=True)
class TableSet:
    """Contribution: the plugin's tables.

    metadata: all names start with "<plugin>_". migrations: dotted name of the package that holds Alembic revisions
    ("medianest_hello.migrations", with a `versions` package inside); or, so that a plugin of one file can have tables too, functions of
    one module, oldest first, each of which takes the tables a step further with Alembic's `op` and runs once. A function that has
    run anywhere is never changed, moved or removed: a change is another function at the end.
    """

    metadata: MetaData
    migrations: str | Sequence[Callable[[Operations], None]]


def user_fk(*, nullable: bool = False, ondelete: str = "CASCADE") -> Column[str]:
    """A column `user_id` that refers to the account; rows go with it."""
    return Column(
        "user_id", String(36), ForeignKey("users.id", ondelete=ondelete), nullable=nullable, index=True
    )


def instance_fk(*, nullable: bool = False, ondelete: str = "CASCADE") -> Column[str]:
    """A column `instance_id` that refers to a configured service instance; rows go with it."""
    return Column(
        "instance_id",
        String(36),
        ForeignKey("instances.id", ondelete=ondelete),
        nullable=nullable,
        index=True,
    )


def core_stub(metadata: MetaData) -> None:
    """Declare the stable core tables in a plugin's MetaData, so that foreign keys to them resolve."""
    from sqlalchemy import Table

    for name in ("users", "instances"):
        if name not in metadata.tables:
            Table(name, metadata, Column("id", String(36), primary_key=True), info={"core": True})
