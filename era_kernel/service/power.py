"""VMs up and down. Whoever calls holds the VM's lock."""

from __future__ import annotations

import contextlib
import os
import time

import msgspec
import psutil

from era_kernel import process
from era_kernel.errors import BootError, EraError, StateFolderError, VmStateError
from era_kernel.launchers.base import Launcher
from era_kernel.models import ProcessIdentity, Purpose, VmRecord, VmState
from era_kernel.paths import VmPaths
from era_kernel.service.context import Context
from era_kernel.service.loop import run_async
from era_kernel.shim.spawn import shim_alive, start_shim
from era_kernel.store.atomic import write_atomic, write_errors

STOP_TIMEOUT = 15.0
DISCARD_TIMEOUT = 1.0
SHIM_LEAVES = 3.0
SECOND_LOOK = 0.02


def bring_up(context: Context, record: VmRecord, launcher: Launcher) -> VmRecord:
    """Boot a prepared VM and record that it is up. Raises BootError and what the launcher raises; nothing runs then."""
    paths = context.state.vm(record.id)
    plan = launcher.plan(record, paths)
    with write_errors(paths.boot_plan, StateFolderError):
        write_atomic(paths.boot_plan, msgspec.json.encode(plan))
    context.report(f"booting {record.id}")
    try:
        started = start_shim(paths, ephemeral=record.purpose is Purpose.TEMP)
    except BootError as error:
        raise launcher.explain(error) from error
    try:
        return context.repository.update(record.id, state=VmState.READY, shim=started.shim, vmm=started.vmm)
    except BaseException:
        process.end(started.vmm)
        process.end(started.shim)
        raise


def is_up(paths: VmPaths, record: VmRecord) -> bool:
    """Whether the VM's shim lives.

    Its lock tells. Somebody else's look at the lock holds it for a moment too, so a shim that seems to have ended
    otherwise is looked at again before it counts as alive.
    """
    return shim_alive(paths) and (process.is_alive(record.shim) or _still_held(paths))


def _still_held(paths: VmPaths) -> bool:
    time.sleep(SECOND_LOOK)
    return shim_alive(paths)


def power_off(paths: VmPaths, record: VmRecord, *, timeout: float = STOP_TIMEOUT) -> None:
    """Have a VM power itself off within `timeout` seconds, else end it. Does nothing to one that is down.

    Raises VmStateError when something of it cannot be ended.
    """
    if shim_alive(paths):
        with contextlib.suppress(EraError, TimeoutError):
            run_async(lambda: _ask_to_stop(paths, timeout))
    if process.is_alive(record.vmm):
        _end(record.vmm, record.id)
    shim = record.shim if process.is_alive(record.shim) else find_shim(paths)
    if shim is not None and not process.wait_gone(shim, SHIM_LEAVES if record.shim else 0):
        _end(shim, record.id)


async def _ask_to_stop(paths: VmPaths, timeout: float) -> None:
    from era_kernel.shim.client import ShimClient

    client = await ShimClient.connect(paths)
    try:
        await client.stop(timeout)
    finally:
        await client.close()


def _end(identity: ProcessIdentity | None, vm_id: str) -> None:
    if identity is not None and not process.end(identity):
        raise VmStateError(f"{vm_id} could not be stopped: its process {identity.pid} does not end")


def find_shim(paths: VmPaths) -> ProcessIdentity | None:
    """The shim of a VM that nobody recorded, because who started it was killed meanwhile: found by its command line.

    It may be so young that it does not hold its lock yet.
    """
    folder = str(paths.folder)
    for candidate in psutil.process_iter(["cmdline", "uids"]):
        command = candidate.info["cmdline"] or []
        ours = candidate.info["uids"] is not None and candidate.info["uids"].real == os.getuid()
        if ours and folder in command and "era_kernel.shim" in command:
            with contextlib.suppress(ProcessLookupError):
                return process.identify(candidate.pid)
    return None
