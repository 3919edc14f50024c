"""Logs of every process of ours: lines for a person on stderr, one JSON object a line in a file.

Nothing that a cell or a command in a guest says or is made of is logged, at no level.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from era_kernel.errors import UsageError
from era_kernel.text import printable

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
OURS = "era_kernel"
_NAMES = {number: name for name, number in LEVELS.items()} | {logging.CRITICAL: "error"}
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def set_up(level: str | None = None, file: Path | None = None) -> None:
    """Log to stderr from `level` on (a key of LEVELS), and to `file`, which is made where it is missing (0600).

    None is as configured. The file gets at least what is of level info. Raises UsageError when it cannot be written.
    """
    from era_kernel.config.sources import setting

    shown = LEVELS[level or setting("log_level")]
    file = file or setting("log_file")
    stderr = logging.StreamHandler(sys.stderr)
    stderr.setLevel(shown)
    stderr.setFormatter(LineFormatter(tracebacks=shown <= logging.DEBUG))
    handlers: list[logging.Handler] = [stderr]
    if file is not None:
        handlers.append(_file_handler(file, min(shown, logging.INFO)))
    _install(handlers)


def set_up_shim(level: str, file: str) -> None:
    """Log to our own stderr, which is the file of a VM's own, at least from info on; and to `file` unless it is ''.

    Both get JSON. A log file that cannot be written any more does not keep a VM from running.
    """
    least = min(LEVELS[level], logging.INFO)
    handlers: list[logging.Handler] = [LineWriter(sys.stderr.fileno(), least)]
    if file:
        try:
            handlers.append(_file_handler(Path(file), least))
        except UsageError as error:
            _install(handlers)
            logging.getLogger(__name__).warning("%s", error)
            return
    _install(handlers)


def in_use() -> tuple[str, str]:
    """(level, file or '') with which this process logs, for a process that it starts."""
    handlers = logging.getLogger(OURS).handlers
    files = [handler.path for handler in handlers if isinstance(handler, FileWriter)]
    shown = min((handler.level for handler in handlers if not isinstance(handler, FileWriter)), default=logging.WARNING)
    return _NAMES[shown], str(files[0]) if files else ""


def watch(name: str) -> None:
    """Warnings and errors of the logger `name`, a library's, go to our file too, if there is one."""
    handlers = [handler for handler in logging.getLogger(OURS).handlers if isinstance(handler, FileWriter)]
    for handler in handlers:
        only_bad = FileWriter(handler.path, logging.WARNING)
        logging.getLogger(name).addHandler(only_bad)


def _install(handlers: Sequence[logging.Handler]) -> None:
    ours = logging.getLogger(OURS)
    ours.setLevel(min(handler.level for handler in handlers))
    ours.handlers[:] = handlers
    ours.propagate = False
    logging.raiseExceptions = False


def _file_handler(file: Path, level: int) -> logging.Handler:
    try:
        return FileWriter(file.absolute(), level)
    except OSError as error:
        raise UsageError(f"The log file {file} cannot be written: {error.strerror}", "Name another one.") from error


class LineWriter(logging.Handler):
    """One JSON object a line to `fd`, each line in one write: those of several processes never mix in one file."""

    def __init__(self, fd: int, level: int) -> None:
        super().__init__(level)
        self._fd = fd
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        try:
            os.write(self._fd, f"{self.format(record)}\n".encode(errors="backslashreplace"))
        except Exception:  # a full disk must not end what is logged about
            self.handleError(record)


class FileWriter(LineWriter):
    """The same to a file, which is opened again when somebody moved or removed it. Raises OSError at once."""

    def __init__(self, path: Path, level: int) -> None:
        super().__init__(_open(path), level)
        self.path = path

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._follow()
        except OSError:
            self.handleError(record)
            return
        super().emit(record)

    def _follow(self) -> None:
        """A file that was rotated is written anew under its name; traitlets closes the handlers of all loggers."""
        try:
            named = os.stat(self.path)  # noqa: PTH116 - at each line
        except FileNotFoundError:
            named = None
        if self._fd < 0 or named is None or not os.path.samestat(named, os.fstat(self._fd)):
            self.close()
            self._fd = _open(self.path)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        super().close()


def _open(path: Path) -> int:
    """A file or terminal to append to. A pipe that nobody reads would stop us for ever: OSError."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY, 0o600)


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
    """One JSON object: time (ISO 8601, UTC), level, logger, pid, message, the record's extra fields, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": _time(record),
            "level": _NAMES.get(record.levelno, "info"),
            "logger": record.name,
            "pid": record.process,
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
