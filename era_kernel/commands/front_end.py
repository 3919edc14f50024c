"""What a command needs of the place where it was typed: a terminal, a cell of a notebook."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from era_kernel.errors import EraError

if TYPE_CHECKING:
    from era_kernel.panel.cells import Cell
    from era_kernel.panel.model import Panel
    from era_kernel.service.manager import Manager, Progress

ResultT = TypeVar("ResultT")
OpenManager = Callable[["str | None", "Progress"], "Manager"]


class Sink(Protocol):
    """Takes what VMs write. `fd` is 1 or 2."""

    def take(self, vm_id: str, fd: int, data: bytes) -> None: ...

    def finish(self) -> None:
        """All was taken: print what was held back."""


class FrontEnd(Protocol):
    """Where a command's results, notes and errors go, and what only one kind of place can do.

    Texts are shown as they are, never as markup; they may quote what a guest said.
    """

    def line(self, text: str) -> None:
        """One line of the command's result."""

    def document(self, text: str) -> None:
        """Several lines of the command's result, ending with a newline."""

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """A table of the command's result."""

    def status(self, panel: Panel) -> None:
        """VMs as they are now, kept up to date where this place can."""

    def note(self, text: str) -> None:
        """A line that is neither result nor failure."""

    def error(self, error: EraError | str, subject: str = "") -> None:
        """`era: [SUBJECT: ]MESSAGE. REMEDY`, on one line."""

    def report(self, text: str) -> None:
        """Progress: a line that takes the place of the one before."""

    def end_progress(self) -> None:
        """Take the progress line away."""

    def stream(
        self, job: Callable[[Sink], Coroutine[Any, Any, ResultT]], *, labelled: bool, patience: float
    ) -> ResultT:
        """Run `job` to its end with a sink for its output; `labelled`: each line stands behind the id of its VM.

        What interrupts the command cancels the job. A reader that takes nothing for `patience` seconds is given up.
        """

    def shell(self, manager: Manager, vm_id: str, command: str) -> int:
        """Run a program of the VM on this place's terminal; its exit status. Raises UsageError where there is none."""

    def use(self, manager: Manager, vm_id: str) -> int:
        """Send this notebook's cells to the VM from now on. Raises UsageError where there is no notebook."""

    def host_file(self, path: Path, *, write: bool) -> Path:
        """A file of this machine that a command names. Raises UsageError where it may not be read, or written."""

    def start_logging(self, level: str | None, file: Path | None) -> None:
        """Log from `level` on, and to `file`, if this place has logs of its own. Raises UsageError."""


@dataclass
class Invocation:
    """One command that was typed: where, and what the options that may stand anywhere on its line said."""

    front_end: FrontEnd
    open_manager: OpenManager
    vm_runtime: str | None = None
    log_level: str | None = None
    log_file: Path | None = None
    begin: Callable[[], None] = lambda: None
    """Called when all is loaded and the command begins: what interrupts it then has to let it clean up."""

    def start_logging(self) -> None:
        """See FrontEnd.start_logging."""
        self.front_end.start_logging(self.log_level, self.log_file)


def open_manager(runtime: str | None, report: Progress) -> Manager:
    """The service on the state folder of this environment."""
    from era_kernel.paths import open_state
    from era_kernel.service.manager import Manager

    return Manager(open_state(), runtime, report)
