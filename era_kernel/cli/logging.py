"""Logs: lines for a person on stderr, one JSON object a line in a file."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from era_kernel.cli.output import printable
from era_kernel.errors import UsageError

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
DEFAULT_LEVEL = "warn"
_NAMES = {number: name for name, number in LEVELS.items()} | {logging.CRITICAL: "error"}
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def set_up(level: str | None, file: Path | None) -> None:
    """Log to stderr from `level` on (a key of LEVELS), and to `file`, which is made where it is missing (0600).

    The file gets at least what is of level info. Raises UsageError when it cannot be written.
    """
    shown = LEVELS[level or DEFAULT_LEVEL]
    stderr = logging.StreamHandler(sys.stderr)
    stderr.setLevel(shown)
    stderr.setFormatter(LineFormatter(tracebacks=shown <= logging.DEBUG))
    handlers: list[logging.Handler] = [stderr]
    if file is not None:
        handlers.append(_file_handler(file, min(shown, logging.INFO)))
    root = logging.getLogger("era_kernel")
    root.setLevel(min(handler.level for handler in handlers))
    root.handlers[:] = handlers
    root.propagate = False
    logging.raiseExceptions = False


def _file_handler(file: Path, level: int) -> logging.Handler:
    try:
        fd = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(f"The log file {file} cannot be written: {error.strerror}", "Name another one.") from error
    handler = logging.StreamHandler(os.fdopen(fd, "a", encoding="utf-8", errors="backslashreplace"))
    handler.setLevel(level)
    handler.setFormatter(JsonFormatter())
    return handler


class LineFormatter(logging.Formatter):
    """`TIME LEVEL message key=value`; a traceback only where it was asked for."""

    def __init__(self, *, tracebacks: bool) -> None:
        super().__init__()
        self._tracebacks = tracebacks

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={value!r}" for name, value in _extra(record).items())
        text = printable(f"{_time(record)} {_NAMES.get(record.levelno, 'info')} {record.getMessage()}{fields}")
        if self._tracebacks and record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text


class JsonFormatter(logging.Formatter):
    """One JSON object: time (ISO 8601, UTC), level, logger, message, the record's extra fields, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": _time(record),
            "level": _NAMES.get(record.levelno, "info"),
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}
