"""A cell of a notebook as the place where a command was typed. Commands run in a thread, so that the kernel answers."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from era_kernel.commands.front_end import Sink
from era_kernel.commands.sinks import LabelledSink, RawSink
from era_kernel.errors import EraError, UsageError
from era_kernel.magics import LINE
from era_kernel.text import printable

if TYPE_CHECKING:
    from era_kernel.panel.cells import Cell
    from era_kernel.panel.model import Panel
    from era_kernel.service.manager import Manager

ResultT = TypeVar("ResultT")
STDOUT, STDERR = 1, 2


class Place(Protocol):
    """What a cell can do with what a command gives; called from the command's thread."""

    def write(self, fd: int, data: bytes) -> None:
        """Text on stdout or stderr, as it came."""

    def show(self, bundle: dict[str, str]) -> None:
        """Rich output, by MIME type."""

    def panel(self, panel: Panel, instead: dict[str, str]) -> None:
        """The live panel, from what is known so far; `instead` is shown where there are no widgets."""

    def progress(self, text: str) -> None:
        """A long command goes on with this."""

    def host_file(self, path: Path, *, write: bool) -> Path:
        """See FrontEnd.host_file."""

    def use(self, manager: Manager, vm_id: str) -> int:
        """From now on the notebook's cells go to this VM. Raises EraError."""


class CommandError(EraError):
    """A command of a cell failed."""


def in_a_cell(error: EraError | str) -> str:
    """An error's text, the commands in it as they are typed in cells."""
    return str(error).replace("`era vm ", f"`{LINE} ")


class CellFrontEnd:
    """The FrontEnd of `commands.front_end`. The last error is held back, to become the cell's own."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._running: Callable[[], object] | None = None
        self._interrupted = False
        self.failure = ""

    def interrupt(self) -> None:
        """From any thread: end what the command streams; what it makes or removes it makes or removes whole."""
        with self._lock:
            self._interrupted = True
            if self._running is not None:
                self._running()

    def line(self, text: str) -> None:
        self._write(STDOUT, f"{printable(text)}\n")

    def document(self, text: str) -> None:
        self._write(STDOUT, text)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        self._place.show(_as_table(columns, rows))

    def status(self, panel: Panel) -> None:
        """A live panel; the table is for pages without widgets, and stays in a saved notebook."""
        from era_kernel.panel.model import COLUMNS, cells

        self._place.panel(panel, _as_table(COLUMNS, [cells(row) for row in panel.rows(time.monotonic())]))

    def note(self, text: str) -> None:
        self._write(STDERR, f"{printable(text)}\n")

    def error(self, error: EraError | str, subject: str = "") -> None:
        self.tell_failure()
        text = in_a_cell(error)
        self.failure = printable(f"{subject}: {text}" if subject else text)

    def failed(self, command: str, status: int) -> CommandError:
        """What the cell fails with when `command` ended with this status."""
        how = "was interrupted" if self._interrupted else f"ended with status {status}"
        return CommandError(self.failure or f"`{LINE} {command}` {how}")

    def tell_failure(self) -> None:
        """Print the error that was held back, if another comes after it or the command did not fail by it."""
        if self.failure:
            self._write(STDERR, f"era: {self.failure}\n")
        self.failure = ""

    def report(self, text: str) -> None:
        self._place.progress(printable(text))

    def end_progress(self) -> None:
        """Progress is not shown in a place of its own."""

    def start_logging(self, level: str | None, file: Path | None) -> None:
        """The kernel logs as it was started; says so where something else is asked for."""
        if level is not None or file is not None:
            self.note("era: --log-level and --log-file change nothing in a cell: the kernel logs as it was started.")

    def host_file(self, path: Path, *, write: bool) -> Path:
        return self._place.host_file(path, write=write)

    def shell(self, manager: Manager, vm_id: str, command: str) -> int:
        """A cell has no terminal. Raises UsageError."""
        raise UsageError("A cell is no terminal", f"In one, type: era vm shell --vm {vm_id}")

    def use(self, manager: Manager, vm_id: str) -> int:
        return self._place.use(manager, vm_id)

    def stream(
        self, job: Callable[[Sink], Coroutine[Any, Any, ResultT]], *, labelled: bool, patience: float
    ) -> ResultT:
        """See FrontEnd.stream. A notebook always takes what it is given. Raises KeyboardInterrupt."""
        sink: Sink = LabelledSink(self._write_bytes) if labelled else RawSink(self._write_bytes)
        try:
            return asyncio.run(self._run(job(sink)))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            sink.finish()

    async def _run(self, job: Coroutine[Any, Any, ResultT]) -> ResultT:
        task = asyncio.ensure_future(job)
        loop = asyncio.get_running_loop()
        with self._lock:
            self._running = lambda: loop.call_soon_threadsafe(task.cancel)
            if self._interrupted:
                task.cancel()
        try:
            return await task
        finally:
            with self._lock:
                self._running = None

    def _write(self, fd: int, text: str) -> None:
        self._place.write(fd, text.encode("utf-8", "backslashreplace"))

    def _write_bytes(self, fd: int, data: bytes) -> None:
        self._place.write(fd, data)


def _plain(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    lines = [columns, *(tuple(printable(str(cell)) for cell in row) for row in rows)]
    widths = [max(len(line[number]) for line in lines) for number in range(len(columns))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)


def _as_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> dict[str, str]:
    from era_kernel.panel.html import table

    return {"text/plain": _plain(columns, rows), "text/html": table(columns, rows)}
