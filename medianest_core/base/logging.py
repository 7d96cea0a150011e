"""Structured logs, with the correlation id of the request or job and without secrets."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, cast

from medianest_core.base.daily_log import DailyFile
from medianest_core.base.flood import GATE
from medianest_core.base.kept_out import kept_out
from medianest_core.base.redact import redact
from medianest_core.base.settings import AppSettings

with kept_out("rich", "better_exceptions"):
    # Its own tracebacks; ours are text before they come to a renderer.
    import structlog

SECURITY = "medianest.security"
"""Name of the logger for sign-ins, refusals and what admins changed."""
KEEP_DAYS = 30
KEEP_SECURITY_DAYS = 365
correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    return cast(structlog.stdlib.BoundLogger, structlog.get_logger(name))


def _add_correlation(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if identifier := correlation_id.get():
        event.setdefault("correlation_id", identifier)
    return event


class _Redacting(logging.Formatter):
    """Masks secrets in the finished line, exception text included."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        return redact(self._inner.format(record))


def configure(settings: AppSettings, *, to_file: bool = True) -> None:
    """Logs go to stderr and to `logs/` in the data folder: a file a day, and who came in and what admins changed once more apart,
    because that is kept longer."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_correlation,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )

    def formatter(json: bool) -> logging.Formatter:
        renderer: structlog.typing.Processor = (
            structlog.processors.JSONRenderer(ensure_ascii=False)
            if json
            else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        )
        return _Redacting(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=shared,
                processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            )
        )

    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(formatter(settings.log_json))
    handlers: list[logging.Handler] = [console]
    if to_file:
        folder: Path = settings.data_dir / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        for name, days in (("medianest", KEEP_DAYS), ("security", KEEP_SECURITY_DAYS)):
            file = DailyFile(folder, name, keep_days=days)
            file.setFormatter(formatter(True))
            if name == "security":
                file.addFilter(logging.Filter(SECURITY))
            handlers.append(file)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    for handler in handlers:
        handler.addFilter(GATE)
        root.addHandler(handler)
    root.setLevel(settings.log_level.upper())
    for chatty in (
        "httpx",
        "httpcore",
        "aiosqlite",
        "alembic",
        "asyncio",
        "engineio",
        "socketio",
        "dramatiq",
        "PIL",
    ):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
