"""`%era` lines of a cell: done by the host, in a thread, their results shown in the cell."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from era_kernel.commands.dispatch import dispatch
from era_kernel.commands.front_end import Invocation, open_manager
from era_kernel.commands.table import vm
from era_kernel.config.sources import setting
from era_kernel.errors import UsageError
from era_kernel.kernel.connection import VmConnection
from era_kernel.kernel.relay import Cell, OutputRelay
from era_kernel.languages import LanguageSpec, find_language
from era_kernel.magics import LINE
from era_kernel.magics.front_end import STDOUT, CellFrontEnd
from era_kernel.magics.host_files import beside_notebook
from era_kernel.magics.parse import Command, arguments

if TYPE_CHECKING:
    from era_kernel.panel.controller import Controller
    from era_kernel.panel.model import Panel
    from era_kernel.service.manager import Manager

log = logging.getLogger(__name__)

USE_SECONDS = 30.0
Publish = Callable[[str, dict[str, Any], dict[str, Any]], None]
NewPanel = Callable[["Panel"], "Controller"]


class CellCommands:
    """Runs the commands of a kernel's cells, one at a time. `new_panel` makes the kernel's panel, at its first use."""

    def __init__(
        self,
        language: LanguageSpec,
        connection: VmConnection,
        relay: OutputRelay,
        publish: Publish,
        new_panel: NewPanel,
    ) -> None:
        self._language = language
        self._connection = connection
        self._relay = relay
        self._publish = publish
        self._new_panel = new_panel
        self._panel: Controller | None = None
        self._front_end: CellFrontEnd | None = None

    def interrupt(self) -> bool:
        """End the command that runs; False when none does."""
        if self._front_end is None:
            return False
        self._front_end.interrupt()
        return True

    async def run(self, command: Command, cell: Cell) -> None:
        """Do what a line asks for. Raises EraError, CommandError for what was told as an error already."""
        self._check_allowed()
        words = arguments(command, vm)
        front_end = CellFrontEnd(_Place(self, cell, asyncio.get_running_loop()))
        self._front_end = front_end
        try:
            status = await asyncio.to_thread(dispatch, vm, words, LINE, Invocation(front_end, open_manager))
        finally:
            self._front_end = None
        if status:
            raise front_end.failed(words[0], status)
        front_end.tell_failure()
        await asyncio.sleep(0)  # what the command wrote last is on its way to this loop
        self._relay.flush()

    def _check_allowed(self) -> None:
        """Nobody trusts cells that get a VM of their own: they do not command this machine. Raises UsageError."""
        if self._connection.temporary:
            said = f"`{LINE}` is off in this kernel: its cells have a VM of their own, and no say in others"
            raise UsageError(said, f"Open a notebook with era-{self._language.name}.")
        if not setting("cell_commands"):
            raise UsageError(
                f"`{LINE}` is off here (ERA_CELL_COMMANDS, EraConfig.cell_commands)", "Use `era vm` in a shell."
            )

    def cell_ended(self) -> None:
        """The kernel has time for its panel again."""
        if self._panel is not None:
            self._panel.resume()

    def show_panel(self, cell: Cell, panel: Panel, instead: dict[str, str]) -> None:
        """The panel, the same one wherever it is shown."""
        if self._panel is None:
            self._panel = self._new_panel(panel)
        self.show(cell, {**self._panel.bundle(), **instead})

    def show(self, cell: Cell, bundle: dict[str, Any]) -> None:
        self._relay.flush()
        if not cell.silent:
            self._publish("display_data", {"data": bundle, "metadata": {}, "transient": {}}, cell.parent)

    def write(self, fd: int, data: bytes) -> None:
        self._relay.text("stdout" if fd == STDOUT else "stderr", data)

    def check_use(self, manager: Manager, vm_id: str) -> None:
        """Whether cells of this kernel can go there. Raises UsageError, UnknownVmError."""
        language = find_language(manager.get(vm_id).spec.language)
        if language is not self._language:
            said = f"{vm_id} is a VM for {language.name}, and these cells are {self._language.name}"
            raise UsageError(said, f"`{LINE} list` shows which VM has which language.")

    async def use(self, vm_id: str) -> None:
        await self._connection.use(vm_id)


class _Place:
    """The cell, seen from the command's thread: everything is handed to the kernel's loop, in order."""

    def __init__(self, commands: CellCommands, cell: Cell, loop: asyncio.AbstractEventLoop) -> None:
        self._commands = commands
        self._cell = cell
        self._loop = loop

    def write(self, fd: int, data: bytes) -> None:
        self._loop.call_soon_threadsafe(self._commands.write, fd, data)

    def show(self, bundle: dict[str, str]) -> None:
        self._loop.call_soon_threadsafe(self._commands.show, self._cell, bundle)

    def panel(self, panel: Panel, instead: dict[str, str]) -> None:
        import era_kernel.panel.view  # noqa: F401 - here, in the command's thread: it takes a while

        self._loop.call_soon_threadsafe(self._commands.show_panel, self._cell, panel, instead)

    def progress(self, text: str) -> None:
        log.info("%s", text)

    def host_file(self, path: Path, *, write: bool) -> Path:
        return beside_notebook(path, Path.cwd(), write=write)

    def use(self, manager: Manager, vm_id: str) -> int:
        self._commands.check_use(manager, vm_id)
        asyncio.run_coroutine_threadsafe(self._commands.use(vm_id), self._loop).result(USE_SECONDS)
        return 0
