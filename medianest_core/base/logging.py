"""Structured logs, with the correlation id of the request or job and without secrets."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, cast

import structlog

from medianest_core.base.redact import redact
from medianest_core.base.settings import AppSettings

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
    """Logs go to stderr and, rotated daily and kept 30 days, to `logs/medianest.log` in the data folder."""
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
        file = logging.handlers.TimedRotatingFileHandler(
            folder / "medianest.log", when="midnight", backupCount=30, utc=True, encoding="utf-8"
        )
        file.setFormatter(formatter(True))
        handlers.append(file)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    for handler in handlers:
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
