"""Starting a shim, from whoever wants a VM up."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time

import msgspec

from era_kernel import logs, process
from era_kernel.errors import BootError, SnapshotError
from era_kernel.models import ProcessIdentity
from era_kernel.paths import VmPaths

SWEEPER = "era_kernel.service.sweep"
"""By name alone: the shim imports nothing of the service, and removing a VM takes all of it."""
MAX_ANSWER = 1 << 20
LOG_TAIL = 4096
END_WAIT = 5.0


class ShimStarted(msgspec.Struct, frozen=True, tag="started"):
    """The VM is up: the two processes that hold it."""

    shim: ProcessIdentity
    vmm: ProcessIdentity


class ShimFailed(msgspec.Struct, frozen=True, tag="failed"):
    """The VM is not up, and nothing of it runs. `saved`: because its saved state could not be taken up."""

    message: str
    remedy: str = ""
    console: str = ""
    saved: bool = False


def start_shim(paths: VmPaths, *, ephemeral: bool = False, timeout: float = 180.0) -> ShimStarted:
    """Start the shim of a prepared VM and wait until the guest is up.

    Reads `paths.boot_plan`. With `ephemeral` the VM is for us: it is powered off
    when its last client leaves, and removed when we do not live to do that. The shim is detached:
    it outlives us, and logs as we do. Raises BootError, with the console's tail, when the VM did not come up within
    `timeout` seconds, and SnapshotError when it did not from a saved state.
    """
    read_end, write_end = os.pipe()
    argv = [sys.executable, "-P", "-m", "era_kernel.shim", str(paths.folder), str(write_end), *logs.in_use()]
    try:
        identity = process.spawn_detached(
            [*argv, str(os.getpid())] if ephemeral else argv, log_file=paths.shim_log, pass_fds=(write_end,)
        )
    except BaseException:
        os.close(read_end)
        raise
    finally:
        os.close(write_end)
    try:
        text = _read_answer(read_end, timeout)
    except BaseException:
        process.end(identity)
        raise
    finally:
        os.close(read_end)
    try:
        return _understood(text, paths)
    except BootError:
        process.wait_gone(identity, END_WAIT)  # until then it holds the VM's lock
        raise


def start_sweeper(paths: VmPaths) -> None:
    """Have a temp VM removed by a process that outlives us. Its log is ours."""
    argv = [sys.executable, "-P", "-m", SWEEPER, str(paths.folder), *logs.in_use()]
    process.spawn_detached(argv, log_file=paths.shim_log)


def _read_answer(fd: int, timeout: float) -> bytes:
    """All that the shim writes until it closes the pipe; BootError when it takes too long."""
    deadline = time.monotonic() + timeout
    text = b""
    poller = select.poll()
    poller.register(fd, select.POLLIN | select.POLLHUP)
    while len(text) < MAX_ANSWER:
        left = deadline - time.monotonic()
        if left <= 0 or not poller.poll(left * 1000):
            raise BootError(f"The VM did not come up within {timeout:.0f} s", "`era doctor` checks what a VM needs.")
        data = os.read(fd, 65536)
        if not data:
            break
        text += data
    return text


def _understood(text: bytes, paths: VmPaths) -> ShimStarted:
    try:
        message: ShimStarted | ShimFailed = msgspec.json.decode(text, type=ShimStarted | ShimFailed)
    except msgspec.DecodeError as error:
        raise BootError(
            f"The process that starts {paths.folder.name} ended without a word",
            "The end of its log follows.",
            _log(paths),
        ) from error
    if isinstance(message, ShimFailed):
        kind = SnapshotError if message.saved else BootError
        raise kind(message.message, message.remedy, message.console)
    return message


def _log(paths: VmPaths) -> str:
    """The end of the shim's log, for whoever is told that it failed: the file goes with a VM that was not made."""
    with contextlib.suppress(OSError):
        return paths.shim_log.read_bytes()[-LOG_TAIL:].decode(errors="replace")
    return ""


def shim_alive(paths: VmPaths) -> bool:
    """Whether a shim holds the VM now: it keeps the VM's lock as long as it lives, however it dies."""
    from filelock import FileLock, Timeout

    if not paths.shim_lock.exists():
        return False
    try:
        with FileLock(paths.shim_lock, timeout=0):
            return False
    except Timeout:
        return True
