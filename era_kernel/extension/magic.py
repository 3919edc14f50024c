"""The magic itself."""

from __future__ import annotations

import keyword
import logging
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from era_kernel.commands.dispatch import dispatch
from era_kernel.commands.front_end import Invocation, open_manager
from era_kernel.commands.table import vm
from era_kernel.errors import EraError, UsageError
from era_kernel.extension import editor
from era_kernel.extension.channel import Channel, display, write
from era_kernel.extension.failure import CellFailedError
from era_kernel.extension.panels import Panels
from era_kernel.extension.sessions import Sessions
from era_kernel.magics import LINE
from era_kernel.magics.front_end import STDOUT, CellFrontEnd, in_a_cell
from era_kernel.magics.parse import Command, arguments

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from era_kernel.panel.model import Panel
    from era_kernel.service.manager import Manager


_SESSION_USAGE = "Write `%%era --language L` or `%%era --vm ID`, with `--out NAME` if you like, above the code."


log = logging.getLogger(__name__)

_registered: weakref.WeakSet[InteractiveShell] = weakref.WeakSet()


def register(shell: InteractiveShell) -> None:
    """Give IPython the magic. `$` and `{}` in a line are the guest's shell's, not variables of the notebook.

    A second time, as by %reload_ext, changes nothing: sessions keep their variables.
    """
    from IPython.core.magic import no_var_expand

    if shell in _registered:
        return
    _registered.add(shell)
    ipython: Any = shell  # half of its methods have no types
    magic: Any = EraMagic(shell)
    ipython.register_magic_function(no_var_expand(magic), "line_cell", "era")
    editor.register(shell)


class EraMagic:
    """`%era COMMAND`, `%%era COMMAND` with its --cmd below it, `%%era --language L` and `%%era --vm ID` with a cell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell: Any = shell
        self._sessions: Sessions | None = None
        self._panels = Panels(has_front_end=hasattr(shell, "kernel"))

    def __call__(self, line: str, cell: str | None = None) -> None:
        try:
            if cell is not None and line.lstrip().startswith("--") and line.split()[0] != "--help":
                self._run_cell(line, cell)
            else:
                self._run_command(Command(line.strip(), cell))
        except CellFailedError as error:
            raise error from None
        except EraError as error:
            raise _shown(error) from None
        except Exception as error:  # a traceback of ours helps nobody in a notebook
            log.info("unexpected error", exc_info=error)
            raise _shown(EraError(f"{type(error).__name__}: {error}. This is a bug of era_kernel")) from None

    def _run_command(self, command: Command) -> None:
        words = arguments(command, vm)
        if words[0].partition("=")[0] in editor.SESSION_OPTIONS:
            raise UsageError(f"`{LINE} {words[0]}` needs code below it", _SESSION_USAGE)
        channel = Channel()
        front_end = CellFrontEnd(_Place(channel, self._panels))
        with ThreadPoolExecutor(1, "era-command") as pool:
            job: Future[int] = pool.submit(dispatch, vm, words, LINE, Invocation(front_end, open_manager))
            channel.show_until(job, front_end.interrupt)
        if status := job.result():
            raise front_end.failed(words[0], status)
        if front_end.failure:
            write("stderr", f"era: {front_end.failure}\n")

    def _run_cell(self, line: str, cell: str) -> None:
        options = _session_options(line)
        if not cell.strip():
            raise UsageError("`%%era` has no cell below it", "Write the code to run there.")
        if self._sessions is None:
            self._sessions = Sessions()
        text = self._sessions.run(cell, options["language"], options["vm"])
        if options["out"]:
            self._shell.push({options["out"]: text})


@click.command(add_help_option=False)
@click.option("--language", default="")
@click.option("--vm", default="")
@click.option("--out", default="")
def _session(**options: str) -> dict[str, str]:
    """The options of a cell for a session."""
    return options


def _session_options(line: str) -> dict[str, str]:
    try:
        parsed: Any = _session.main(arguments(Command(line), vm), prog_name=f"%{LINE}", standalone_mode=False)
    except click.ClickException as error:
        raise UsageError(error.format_message(), _SESSION_USAGE) from None
    options: dict[str, str] = parsed
    if options["out"] and (not options["out"].isidentifier() or keyword.iskeyword(options["out"])):
        raise UsageError(f"{options['out']!r} is no name of a variable")
    return options


def _shown(error: EraError) -> CellFailedError:
    text = in_a_cell(error)
    return CellFailedError(text, [f"{type(error).__name__.removesuffix('Error')}: {text}"])


class _Place:
    """An IPython cell, seen from the command's thread."""

    def __init__(self, channel: Channel, panels: Panels) -> None:
        self._channel = channel
        self._panels = panels

    def write(self, fd: int, data: bytes) -> None:
        self._channel.put(partial(write, "stdout" if fd == STDOUT else "stderr", data.decode(errors="replace")))

    def show(self, bundle: dict[str, str]) -> None:
        self._channel.put(partial(display, bundle, {}))

    def panel(self, panel: Panel, instead: dict[str, str]) -> None:
        self._channel.put(partial(self._panels.show, panel, instead))

    def progress(self, text: str) -> None:
        """A command's progress is not worth a line in a notebook."""

    def host_file(self, path: Path, *, write: bool) -> Path:
        """The cells of this notebook may do all that its user may."""
        return path

    def use(self, manager: Manager, vm_id: str) -> int:
        raise UsageError("The cells of this notebook run on this machine", f"`%%era --vm {vm_id}` sends one to the VM.")
