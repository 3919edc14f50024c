"""`python -m era_kernel.shim FOLDER READY_FD LOG_LEVEL LOG_FILE [OWNER]`: hold the VM of that folder.

Until the VM ends. OWNER is the pid of the process that it is for, if it is for one.

Its log is the VM's own `shim.log`, in JSON, and LOG_FILE too unless that is ''.

Answers once on the ready fd, as JSON: what started, or why it did not. The VMM is started first of all; what holding it
needs is imported while it comes up.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from era_kernel import process
from era_kernel.errors import BootError, EraError, SnapshotError
from era_kernel.launchers.base import BootPlan
from era_kernel.paths import StatePaths, VmPaths
from era_kernel.shim.launch import launch
from era_kernel.shim.spawn import ShimFailed, ShimStarted

LOCK_WAIT = 2.0
LOCK_LOOK = 0.02


def main() -> None:
    folder, ready_fd, log_level, log_file, *owners = sys.argv[1:]
    paths = paths_of(Path(folder))
    ready = Ready(int(ready_fd))
    try:
        owner = next((process.identify(int(pid)) for pid in owners), None)
        with vm_held(paths):
            plan = msgspec.json.decode(paths.boot_plan.read_bytes(), type=BootPlan)
            launched = launch(plan)
            sys.modules["ssl"] = None  # type: ignore[assignment] # asyncio's, of no use here, 3 MiB
            from era_kernel.logs import set_up_shim
            from era_kernel.shim.hold import hold

            set_up_shim(log_level, log_file)
            hold(paths, plan, launched, ready.say, owner)
    except (EraError, OSError, msgspec.DecodeError) as error:
        if ready.said:
            raise
        ready.say(failure(error))


def paths_of(folder: Path) -> VmPaths:
    """A VM's paths by its folder in the state folder."""
    return StatePaths(folder.parents[1]).vm(folder.name)


@contextlib.contextmanager
def vm_held(paths: VmPaths) -> Iterator[None]:
    """Hold the VM's lock. BootError when another shim does, or the VM is no more.

    flock(2), as filelock uses, whose import alone would take longer than all else here.
    """
    if not paths.boot_plan.exists():  # the lock would make the folder of a VM that is no more
        raise BootError(f"{paths.folder.name} is no more")
    with paths.shim_lock.open("w") as lock:
        deadline = time.monotonic() + LOCK_WAIT
        while not _locked(lock.fileno()):
            if time.monotonic() > deadline:
                raise BootError(f"Another process holds {paths.folder.name} already")
            time.sleep(LOCK_LOOK)
        yield


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def failure(error: Exception) -> ShimFailed:
    if isinstance(error, BootError):
        return ShimFailed(error.message, error.remedy, error.console, isinstance(error, SnapshotError))
    if isinstance(error, EraError):
        return ShimFailed(error.message, error.remedy)
    return ShimFailed(f"The VM could not be started: {error}")


class Ready:
    """Where whoever started us waits for one answer."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.said = False

    def say(self, message: ShimStarted | ShimFailed) -> None:
        self.said = True
        with contextlib.suppress(BrokenPipeError), os.fdopen(self._fd, "wb") as ready:
            ready.write(msgspec.json.encode(message))


main()
