"""Many VMs: how long they take one after the other, and what each takes while it is idle."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from era_kernel.models import ProcessIdentity, VmRecord
from tests.benchmarks.figure import Figure, Goal
from tests.benchmarks.room import LANGUAGE, Room, seconds

COUNT = 24
IDLE_SECONDS = 10.0
"""From a VM's start until it counts as idle."""
WATCH_SECONDS = 30.0
MIB = 1 << 20


@dataclass(frozen=True)
class Processes:
    """A VM's processes on the host: the VMM (QEMU itself, in the jail), and all, with shim and jail."""

    vmm: psutil.Process
    shim: psutil.Process
    all: tuple[psutil.Process, ...]


def measure(room: Room) -> Sequence[Figure]:
    """All the runs but the last are only timed; the VMs of the last are watched too."""
    totals: list[float] = []
    try:
        for _ in range(room.few):
            room.clear()
            totals.append(seconds(lambda: [room.manager.create(LANGUAGE) for _ in range(COUNT)]))
        idle = _idle([processes(view.record) for view in room.manager.list()])
    finally:
        room.clear()
    return [Figure(f"{COUNT} VMs one after the other", "s", tuple(totals), goal=Goal(6)), *idle]


def processes(record: VmRecord) -> Processes:
    """Of a VM that is up. RuntimeError when its VMM has no QEMU."""
    shim = _process(record.shim)
    launched = _process(record.vmm)
    family = [launched, *launched.children(recursive=True)]
    vmm = next((each for each in family if each.name().startswith("qemu")), None)
    if vmm is None:
        raise RuntimeError(f"{record.id} has no QEMU among {[each.name() for each in family]}")
    return Processes(vmm, shim, (shim, *family))


def _process(identity: ProcessIdentity | None) -> psutil.Process:
    assert identity is not None
    return psutil.Process(identity.pid)


def pss(process: psutil.Process) -> float:
    """MiB, with pages that several processes map counted in shares (proc_pid_smaps(5))."""
    return float(process.memory_full_info().pss) / MIB


def _idle(vms: list[Processes]) -> list[Figure]:
    time.sleep(IDLE_SECONDS)
    vmms = tuple(pss(each.vmm) for each in vms)
    shims = tuple(pss(each.shim) for each in vms)
    before, start = [_cpu_seconds(each) for each in vms], time.monotonic()
    time.sleep(WATCH_SECONDS)
    after, end = [_cpu_seconds(each) for each in vms], time.monotonic()
    shares = tuple((last - first) / (end - start) * 100 for first, last in zip(before, after, strict=True))
    return [
        Figure(f"idle VM, of {COUNT}: VMM's PSS", "MiB", vmms, goal=Goal(30)),
        Figure(f"idle VM, of {COUNT}: shim's PSS", "MiB", shims, goal=Goal(12)),
        Figure(f"idle VM, of {COUNT}: CPU of all its processes", "% of a core", shares, goal=Goal(1)),
    ]


def _cpu_seconds(vm: Processes) -> float:
    """What a VM's processes have used so far, the host kernel's work for them included."""
    times = [each.cpu_times() for each in vm.all]
    return sum(each.user + each.system for each in times)
