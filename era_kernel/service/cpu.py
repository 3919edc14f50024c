"""What VMs take of the host's processors. The host says it: a guest's own figures would be a guest's word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import psutil

from era_kernel import process
from era_kernel.models import VmRecord


def cpu_seconds(records: Iterable[VmRecord]) -> dict[str, float]:
    """Seconds of processor time that each VM's VMM has used so far, its jail's processes included, by VM id.

    VMs that are not up are left out. The host's processes are gone through once, however many VMs there are.
    """
    up = {record.id: record.vmm.pid for record in records if record.vmm is not None and process.is_alive(record.vmm)}
    if not up:
        return {}
    used: dict[int, float] = {}
    children: dict[int, list[int]] = {}
    for each in psutil.process_iter(["ppid", "cpu_times"]):
        times = each.info["cpu_times"]
        if times is not None:
            used[each.pid] = times.user + times.system
            children.setdefault(each.info["ppid"], []).append(each.pid)
    return {vm_id: _sum(pid, used, children) for vm_id, pid in up.items() if pid in used}


def _sum(pid: int, used: Mapping[int, float], children: Mapping[int, Sequence[int]]) -> float:
    total, waiting, seen = 0.0, [pid], {pid}
    while waiting:
        each = waiting.pop()
        total += used.get(each, 0.0)
        new = [child for child in children.get(each, ()) if child not in seen]  # pids change hands while one reads
        seen.update(new)
        waiting += new
    return total
