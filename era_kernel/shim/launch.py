"""A VMM started, with its sockets. Apart from the rest, and without asyncio, so that it runs while that is imported."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, NamedTuple

from era_kernel import process
from era_kernel.errors import SnapshotError
from era_kernel.launchers.base import MONITOR_FD, BootPlan

if TYPE_CHECKING:
    from subprocess import Popen


class Launched(NamedTuple):
    """A VMM's process and our ends of its sockets. `state_fd` is the number of the saved state's fd in the VMM."""

    process: Popen[bytes]
    stream: socket.socket
    console: socket.socket
    monitor: socket.socket | None
    state_fd: int


def launch(plan: BootPlan) -> Launched:
    """Start the VMM of a plan. Raises ToolMissingError, SnapshotError, OSError."""
    with contextlib.ExitStack() as theirs, contextlib.ExitStack() as undo:
        stream = _pair(theirs, undo)
        console = _pair(theirs, undo)
        monitor = _pair(theirs, undo) if plan.monitor else None
        fds = [monitor[1].fileno()] if monitor else []
        argv = [word.replace(MONITOR_FD, str(fds[0])) for word in plan.argv] if monitor else plan.argv
        state_fd = -1
        if plan.saved:
            state_fd = _open_state(plan.saved.state)
            theirs.callback(os.close, state_fd)
            fds.append(state_fd)
        started = process.start_piped(
            argv, env=plan.env, stream=stream[1], stderr=console[1].fileno(), pass_fds=tuple(fds)
        )
        undo.pop_all()
    return Launched(started, stream[0], console[0], monitor[0] if monitor else None, state_fd)


def _open_state(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise SnapshotError(f"The saved state {path} cannot be opened: {error.strerror}") from error


def _pair(theirs: contextlib.ExitStack, undo: contextlib.ExitStack) -> tuple[socket.socket, socket.socket]:
    """(our end, the VMM's end), the latter closed when the VMM has it, both when it cannot be started."""
    ours, other = socket.socketpair()
    undo.enter_context(ours)
    theirs.enter_context(other)
    ours.setblocking(False)
    return ours, other
