"""`python -m era_kernel.shim FOLDER --ready-fd N [--ephemeral]`: hold the VM of that folder until it ends.

Answers once on the ready fd, as JSON: what started, or why it did not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from era_kernel import process
from era_kernel.errors import BootError, EraError
from era_kernel.launchers.base import BootPlan
from era_kernel.paths import VmPaths
from era_kernel.shim.console import ConsoleLog
from era_kernel.shim.guest import boot
from era_kernel.shim.server import listen
from era_kernel.shim.spawn import ShimFailed, ShimStarted
from era_kernel.shim.supervisor import Supervisor

LOCK_WAIT = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="era_kernel.shim")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ready-fd", type=int, required=True)
    parser.add_argument("--ephemeral", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    paths = VmPaths(options.folder, options.folder)
    if not paths.boot_plan.exists():  # the lock would make the folder of a VM that is no more
        answer(options.ready_fd, ShimFailed(f"{options.folder.name} is no more", "", ""))
        return
    lock = FileLock(paths.shim_lock, timeout=LOCK_WAIT)
    try:
        with lock:
            asyncio.run(hold(paths, options.ready_fd, ephemeral=options.ephemeral))
    except Timeout:
        answer(options.ready_fd, ShimFailed(f"Another process holds {options.folder.name} already", "", ""))


async def hold(paths: VmPaths, ready_fd: int, *, ephemeral: bool) -> None:
    """Boot the VM, say so, serve its clients until it ends."""
    console = ConsoleLog(paths.console)
    try:
        plan = msgspec.json.decode(paths.boot_plan.read_bytes(), type=BootPlan)
        guest = await boot(plan, console)
    except (EraError, OSError, msgspec.DecodeError) as error:
        answer(ready_fd, failure(error))
        return
    supervisor = Supervisor(plan.vm_id, guest, console, ephemeral=ephemeral)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, supervisor.stop_soon)
    server = await listen(paths.socket, supervisor)
    assert guest.vmm.identity is not None
    answer(ready_fd, ShimStarted(process.identify(os.getpid()), guest.vmm.identity))
    try:
        await supervisor.serve()
    finally:
        server.close()
        paths.socket.unlink(missing_ok=True)


def failure(error: Exception) -> ShimFailed:
    if isinstance(error, BootError):
        return ShimFailed(error.message, error.remedy, error.console)
    if isinstance(error, EraError):
        return ShimFailed(error.message, error.remedy, "")
    return ShimFailed(f"The VM could not be started: {error}", "", "")


def answer(fd: int, message: ShimStarted | ShimFailed) -> None:
    with contextlib.suppress(BrokenPipeError), os.fdopen(fd, "wb") as ready:
        ready.write(msgspec.json.encode(message))


main()
