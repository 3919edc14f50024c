"""Whether the next VM costs what the first one did: seconds and memory per VM, the more of them there are."""

from __future__ import annotations

import time
from collections.abc import Sequence

from era_kernel.errors import HostMemoryError
from tests.benchmarks.figure import Figure
from tests.benchmarks.fleet import processes, pss
from tests.benchmarks.room import LANGUAGE, Room, seconds

SIZES = (1, 4, 16, 48)
SETTLE_SECONDS = 3.0


def measure(room: Room) -> Sequence[Figure]:
    """At each size the seconds of the VMs that were added, and the PSS of all. A host too small for a size ends it."""
    figures: list[Figure] = []
    up = 0
    try:
        for size in SIZES:
            added = tuple(seconds(lambda: room.manager.create(LANGUAGE)) for _ in range(size - up))
            up = size
            time.sleep(SETTLE_SECONDS)
            figures += _figures(room, size, added)
    except HostMemoryError as error:
        room.say(f"growth ends before {SIZES[-1]} VMs: {error.message}")
    finally:
        room.clear()
    return figures


def _figures(room: Room, size: int, added: tuple[float, ...]) -> list[Figure]:
    vms = [processes(view.record) for view in room.manager.list()]
    if len(vms) != size:
        raise RuntimeError(f"{len(vms)} VMs are up, not {size}")
    label = f"{size} VMs" if size > 1 else "1 VM"
    return [
        Figure(f"{label}: each one's start", "ms", tuple(each * 1000 for each in added)),
        Figure(f"{label}: PSS of each one's VMM", "MiB", tuple(pss(each.vmm) for each in vms)),
        Figure(f"{label}: PSS of each one's shim", "MiB", tuple(pss(each.shim) for each in vms)),
    ]
