"""Whether the next VM costs what the first one did: seconds and memory per VM, the more of them there are."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from era_kernel.errors import HostMemoryError
from tests.benchmarks.figure import Figure
from tests.benchmarks.fleet import processes, pss
from tests.benchmarks.room import LANGUAGE, Room, seconds

SIZES = (1, 4, 16, 48)
SETTLE_SECONDS = 3.0


def measure(room: Room) -> Sequence[Figure]:
    """All sizes, a few times, values put together. At each size the starts of the VMs that were added, the PSS of all.

    A host that is too small for a size goes without it.
    """
    units: dict[str, str] = {}
    values: dict[str, list[float]] = {}
    for _ in range(room.few):
        try:
            for name, unit, some in _grow(room):
                units[name] = unit
                values.setdefault(name, []).extend(some)
        except HostMemoryError as error:
            room.say(f"growth ends before {SIZES[-1]} VMs: {error.message}")
        finally:
            room.clear()
    return [Figure(name, units[name], tuple(found)) for name, found in values.items()]


def _grow(room: Room) -> Iterator[tuple[str, str, list[float]]]:
    """From no VM to the most: (figure's name, unit, values) of each size."""
    up = 0
    for size in SIZES:
        added = [seconds(lambda: room.manager.create(LANGUAGE)) * 1000 for _ in range(size - up)]
        up = size
        time.sleep(SETTLE_SECONDS)
        vms = [processes(view.record) for view in room.manager.list()]
        if len(vms) != size:
            raise RuntimeError(f"{len(vms)} VMs are up, not {size}")
        label = f"{size} VMs" if size > 1 else "1 VM"
        yield f"{label}: each one's start", "ms", added
        yield f"{label}: PSS of each one's VMM", "MiB", [pss(each.vmm) for each in vms]
        yield f"{label}: PSS of each one's shim", "MiB", [pss(each.shim) for each in vms]
