"""Whether the host has the memory that a VM may take."""

from __future__ import annotations

from pathlib import Path

import psutil

from era_kernel.errors import HostMemoryError

MIB = 1 << 20
VMM_MIB = 64
"""What a VMM takes beside its guest's memory, translated code and all, with some to spare."""

_CGROUP = Path("/proc/self/cgroup")
_CGROUPS = Path("/sys/fs/cgroup")


def check_host_memory(vm_id: str, mem: int) -> None:
    """HostMemoryError when a VM of `mem` MiB could take more than there is: the host would end processes at random."""
    free = available()
    if free < mem + VMM_MIB:
        raise HostMemoryError(
            f"{vm_id} may take {mem + VMM_MIB} MiB and this host has {free} MiB to give",
            "Stop VMs (`era vm list` shows them), or ask for less with --mem.",
        )


def available() -> int:
    """MiB that can be taken without swapping, by the host's account and by that of our control group."""
    free = int(psutil.virtual_memory().available)
    group = _group_left()
    return (free if group is None else min(free, group)) // MIB


def _group_left() -> int | None:
    """Bytes left to our control group, None where it has no limit (Linux's admin-guide/cgroup-v2.rst, "memory.max")."""
    try:
        line = next(each for each in _CGROUP.read_text().splitlines() if each.startswith("0::"))
        folder = _CGROUPS / line.removeprefix("0::").lstrip("/")
        limit = (folder / "memory.max").read_text().strip()
        used = int((folder / "memory.current").read_text())
        return None if limit == "max" else max(0, int(limit) - used)
    except (OSError, StopIteration, ValueError):
        return None
