"""Where a command writes: results to stdout, all else to stderr; rich is loaded only for what has to look nice."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from era_kernel.errors import EraError, UsageError
from era_kernel.text import printable

if TYPE_CHECKING:
    from rich.status import Status

    from era_kernel.commands.front_end import Sink
    from era_kernel.panel.cells import Cell
    from era_kernel.panel.model import Panel
    from era_kernel.service.manager import Manager

ResultT = TypeVar("ResultT")

STDOUT = 1
STDERR = 2
DUMB = ("dumb", "unknown")
"""Terminals on which no line can be changed, as rich has them (Console.is_dumb_terminal)."""
WHOLE = 30
"""Columns of a table up to this width are never folded: a narrow terminal wraps the line, and ids can be copied."""
FOLDED = 20
"""The width to which longer ones may be folded."""
WIDEST = 10_000
BROKEN_PIPE = 128 + 13
"""The exit status of a program whose reader went away: what a shell shows for SIGPIPE."""


def unwritable(error: OSError) -> BaseException:
    """What ends a command whose stdout takes no more: quietly when its reader left, else with an error."""
    if isinstance(error, BrokenPipeError):
        return SystemExit(BROKEN_PIPE)
    return EraError(f"The output cannot be written: {error.strerror}")


def open_standard_streams() -> None:
    """Put /dev/null where stdin, stdout or stderr is closed: the next file opened would be taken for it."""
    for fd in (0, STDOUT, STDERR):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number is `fd`


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data` to `fd`, also when it is a pipe that somebody made non-blocking. Raises OSError."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            select.select([], [fd], [])


class Console:
    """The terminal, files or pipes that a command writes to. Texts are printed as they are, never as markup."""

    def __init__(self) -> None:
        self._status: Status | None = None

    def line(self, text: str) -> None:
        """One line of the command's result. Ends the command when nobody reads any more."""
        self._write(STDOUT, f"{printable(text)}\n")

    def document(self, text: str) -> None:
        """Several lines of the command's result, ending with a newline."""
        self._write(STDOUT, text)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """A table, as wide as it has to be where no terminal limits it."""
        self._write(STDOUT, _table(columns, rows))

    def status(self, panel: Panel) -> None:
        """Once: a terminal shows what was, as other commands do."""
        from era_kernel.panel.model import COLUMNS, cells

        if rows := panel.rows(time.monotonic()):
            self.table(COLUMNS, [cells(row) for row in rows])
        else:
            self.line("No VMs found.")

    def note(self, text: str) -> None:
        """A line on stderr that is neither result nor failure."""
        self._write(STDERR, f"{printable(text)}\n")

    def error(self, error: EraError | str, subject: str = "") -> None:
        """`era: [SUBJECT: ]MESSAGE. REMEDY` on stderr, on one line."""
        self._write(STDERR, printable(f"era: {subject}: {error}" if subject else f"era: {error}") + "\n")

    def report(self, text: str) -> None:
        """Progress, on stderr: one line that changes on a terminal that can do that, a line each elsewhere."""
        if not os.isatty(STDERR) or os.environ.get("TERM", "").lower() in DUMB:
            self.note(text)
            return
        from rich.console import Console as RichConsole
        from rich.text import Text

        if self._status is None:
            self._status = RichConsole(stderr=True).status(Text(printable(text)))
            self._status.start()
        else:
            self._status.update(Text(printable(text)))

    def end_progress(self) -> None:
        """Take the progress line away. Everything else that is printed does so first."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def stream(
        self, job: Callable[[Sink], Coroutine[Any, Any, ResultT]], *, labelled: bool, patience: float
    ) -> ResultT:
        """Run `job` with a sink that writes to our own stdout and stderr; see run_streaming."""
        from era_kernel.cli.stream import run_streaming

        return run_streaming(job, labelled=labelled, patience=patience)

    def shell(self, manager: Manager, vm_id: str, command: str) -> int:
        """See cli.terminal.shell."""
        from era_kernel.cli.terminal import shell

        self.end_progress()
        return shell(manager, vm_id, command)

    def use(self, manager: Manager, vm_id: str) -> int:
        """A shell has no cells. Raises UsageError."""
        raise UsageError("`use` is for notebooks", f"Type `%era use {vm_id}` in a cell.")

    def host_file(self, path: Path, *, write: bool) -> Path:
        """Who has a shell may do all that its user may."""
        return path

    def start_logging(self, level: str | None, file: Path | None) -> None:
        """Log to stderr and to `file`, what is None being as configured. Raises UsageError."""
        from era_kernel.logs import set_up

        set_up(level, file)

    def _write(self, fd: int, text: str) -> None:
        self.end_progress()
        try:
            write_all(fd, text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            if fd == STDOUT:
                raise unwritable(error) from None


def _table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    import io

    from rich import box
    from rich.console import Console as RichConsole
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    terminal = os.isatty(STDOUT)
    table = Table(box=box.SIMPLE_HEAD if terminal else None, pad_edge=False, header_style="bold")
    texts = [[Text(printable(str(cell))) for cell in row] for row in rows]
    for number, column in enumerate(columns):
        width = max(len(column), *(row[number].cell_len for row in texts))
        long = terminal and width > WHOLE
        table.add_column(column, no_wrap=not long, min_width=FOLDED if long else width, overflow="fold")
    for row in texts:
        table.add_row(*row)
    text = io.StringIO()
    console = RichConsole(
        file=text, force_terminal=terminal, width=_width(terminal), height=25
    )  # else dumb ones are 80
    console.width = max(console.width, Measurement.get(console, console.options.update(width=WIDEST), table).minimum)
    console.print(table)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def _width(terminal: bool) -> int:
    """Of the terminal; some say that they have no columns."""
    return os.get_terminal_size(STDOUT).columns or 80 if terminal else WIDEST
