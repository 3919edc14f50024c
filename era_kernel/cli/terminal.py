"""A program in a VM on this terminal. Bytes pass unchanged both ways, as with ssh: a guest may do to the terminal what
any program may that is shown there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import signal
import termios
import tty
from collections.abc import Iterator
from typing import TYPE_CHECKING

from era_kernel.cli.output import STDOUT, write_all
from era_kernel.errors import UsageError

if TYPE_CHECKING:
    from era_kernel.service.manager import Manager
    from era_kernel.service.program import Program

STDIN = 0
CHUNK = 4096
HANGUPS = (signal.SIGTERM, signal.SIGHUP)
_TERM = re.compile(r"[A-Za-z0-9._+-]{1,64}")


def shell(manager: Manager, vm_id: str, command: str) -> int:
    """Run a program of the VM on our terminal; its exit status. Raises UsageError where there is no terminal."""
    if not os.isatty(STDIN) or not os.isatty(STDOUT):
        remedy = f"`era vm exec --vm {vm_id} --cmd COMMAND` runs a command without one."
        raise UsageError("`shell` needs a terminal", remedy)
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"{command!r} has {str(error).lower()}", "Close each quote.") from None
    if not argv:
        raise UsageError("No command is given", "Leave --cmd out for a shell.")
    return asyncio.run(_shell(manager, vm_id, argv))


async def _shell(manager: Manager, vm_id: str, argv: list[str]) -> int:
    from era_kernel.service.program import status_of

    term = os.environ.get("TERM", "")
    env = {"TERM": term if _TERM.fullmatch(term) else "dumb"}
    output = manager.program(vm_id, argv, lambda data: write_all(STDOUT, data), size=_size(), env=env)
    async with output as process:
        with _raw():
            hung_up = _watch_signals(process)
            ended = asyncio.ensure_future(status_of(process, argv[0]))
            typing = asyncio.ensure_future(_type(process))
            try:
                await asyncio.wait([ended, hung_up], return_when=asyncio.FIRST_COMPLETED)
                return ended.result() if ended.done() else 128 + hung_up.result()
            finally:
                for task in (typing, ended):
                    task.cancel()
                await asyncio.wait([typing, ended])


def _size() -> tuple[int, int]:
    """Rows and columns."""
    size = os.get_terminal_size(STDIN)
    return size.lines, size.columns


@contextlib.contextmanager
def _raw() -> Iterator[None]:
    """All keys, Ctrl-C too, are the guest's; the terminal is put back whatever happens."""
    before = termios.tcgetattr(STDIN)
    try:
        tty.setraw(STDIN, termios.TCSADRAIN)  # what was typed ahead stays
        yield
    finally:
        termios.tcsetattr(STDIN, termios.TCSADRAIN, before)


def _watch_signals(process: Program) -> asyncio.Future[int]:
    """Hand on changes of the size; done with the number of a signal that ends us."""
    loop = asyncio.get_running_loop()
    hung_up: asyncio.Future[int] = loop.create_future()

    def hang_up(number: int) -> None:
        if not hung_up.done():
            hung_up.set_result(number)

    loop.add_signal_handler(signal.SIGWINCH, lambda: process.resize(*_size()))
    for number in HANGUPS:
        loop.add_signal_handler(number, hang_up, number)
    return hung_up


async def _type(process: Program) -> None:
    """Send what is typed, no faster than the guest takes it, until the terminal is gone."""
    with contextlib.suppress(OSError):
        while True:
            await _readable(STDIN)
            data = os.read(STDIN, CHUNK)
            if not data:
                return
            await process.write(0, data)


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(fd, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(fd)
