"""VMs up and down. Whoever calls holds the VM's lock."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time

import msgspec
import psutil

from era_kernel import process
from era_kernel.atomic import write_atomic, write_errors
from era_kernel.errors import BootError, EraError, SnapshotError, StateFolderError, VmStateError
from era_kernel.launchers.base import Launcher, Saved
from era_kernel.loop import run_async
from era_kernel.models import ProcessIdentity, Purpose, VmRecord, VmState
from era_kernel.paths import VmPaths
from era_kernel.service.context import Context
from era_kernel.service.memory import check_host_memory
from era_kernel.shim.snapshot import discard_snapshot, usable_snapshot
from era_kernel.shim.spawn import shim_alive, start_shim

log = logging.getLogger(__name__)

STOP_GRACE = 10.0
SPARE_MIB = 64
SAVED_MIB_A_SECOND = 20
"""How fast a snapshot is written at worst."""
SHIM_LEAVES = 3.0
SECOND_LOOK = 0.02


def bring_up(context: Context, record: VmRecord, launcher: Launcher, saved: Saved | None = None) -> VmRecord:
    """Boot a prepared VM, or take it up from a saved state, and record that it is up.

    Raises HostMemoryError, BootError (SnapshotError: the saved state is no good) and what the launcher raises; nothing
    runs then.
    """
    check_host_memory(record.id, record.spec.mem)
    paths = context.state.vm(record.id)
    plan = launcher.plan(record, paths, saved)
    with write_errors(paths.boot_plan, StateFolderError):
        write_atomic(paths.boot_plan, msgspec.json.encode(plan))
    if saved is None:
        context.report(f"booting {record.id}")
    try:
        started = start_shim(paths, ephemeral=record.purpose is Purpose.TEMP)
    except SnapshotError:
        raise
    except BootError as error:
        raise launcher.explain(error) from error
    try:
        return context.repository.update(record.id, state=VmState.READY, shim=started.shim, vmm=started.vmm)
    except BaseException:
        process.end(started.vmm)
        process.end(started.shim)
        raise


def start_again(context: Context, record: VmRecord, launcher: Launcher) -> VmRecord:
    """Bring up a VM that was stopped: from its snapshot, if it has one that can be used, else by booting."""
    paths = context.state.vm(record.id)
    launcher.prepare(record, paths, context.report)
    try:
        saved = usable_snapshot(paths, launcher.fingerprint(record))
        if saved is not None:
            return bring_up(context, record, launcher, saved)
    except SnapshotError as error:
        log.warning("a snapshot is thrown away: %s %s", error, error.console)
        context.report(f"{error.message}: it is thrown away, and the VM boots without its variables")
    discard_snapshot(paths)
    return bring_up(context, record, launcher)


def is_up(paths: VmPaths, record: VmRecord) -> bool:
    """Whether the VM's shim lives.

    Its lock tells. Somebody else's look at the lock holds it for a moment too, so a shim that seems to have ended
    otherwise is looked at again before it counts as alive.
    """
    return shim_alive(paths) and (process.is_alive(record.shim) or _still_held(paths))


def _still_held(paths: VmPaths) -> bool:
    time.sleep(SECOND_LOOK)
    return shim_alive(paths)


def stop(paths: VmPaths, record: VmRecord, *, keep_memory: bool) -> None:
    """Stop a VM: with its memory kept in a snapshot, where its launcher can and the disk has room, or powered off.

    Raises VmStateError when something of it cannot be ended.
    """
    mem = record.spec.mem
    if keep_memory and shutil.disk_usage(paths.folder).free < (mem + SPARE_MIB) << 20:
        log.warning("%s is powered off: there is no room for a snapshot of its %d MiB", record.id, mem)
        keep_memory = False
    power_off(paths, record, grace=STOP_GRACE + mem / SAVED_MIB_A_SECOND, keep_memory=keep_memory)


def power_off(paths: VmPaths, record: VmRecord, *, grace: float = STOP_GRACE, keep_memory: bool = False) -> None:
    """Have a VM end itself within `grace` seconds, else end it; 0: at once. Does nothing to one that is down.

    Raises VmStateError when something of it cannot be ended.
    """
    if shim_alive(paths):
        with contextlib.suppress(EraError, TimeoutError):
            run_async(lambda: _ask_to_stop(paths, grace, keep_memory))
    if process.is_alive(record.vmm):
        _end(record.vmm, record.id)
    shim = record.shim if process.is_alive(record.shim) else find_shim(paths)
    if shim is not None and not process.wait_gone(shim, SHIM_LEAVES if record.shim else 0):
        _end(shim, record.id)


async def _ask_to_stop(paths: VmPaths, grace: float, keep_memory: bool) -> None:
    from era_kernel.shim.client import ShimClient

    client = await ShimClient.connect(paths)
    try:
        await client.stop(grace, keep_memory=keep_memory)
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
