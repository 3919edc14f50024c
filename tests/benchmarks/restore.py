"""A VM from its template to the first answer of a session in it, and where the time goes on the way.

Seen from outside: when the shim and the VMM were executed is what the host says of their processes, in hundredths of a
second, cut off; so what is measured from there is too long by up to 10 ms, not too short.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from era_kernel.models import VmRecord
from era_kernel.paths import VmPaths
from era_kernel.shim.client import ShimClient
from tests.benchmarks.figure import Figure, Goal
from tests.benchmarks.room import LANGUAGE, Room
from tests.benchmarks.session import open_and_ask


@dataclass(frozen=True)
class Way:
    """The instants of one start, in seconds since boot."""

    asked: float
    shim: float
    vmm: float
    up: float
    attached: float
    ready: float
    answered: float


STAGES = (
    ("asked for → shim executed", "asked", "shim"),
    ("shim executed → VMM executed", "shim", "vmm"),
    ("VMM executed → VM recorded as up", "vmm", "up"),
    ("up → attached to its shim", "up", "attached"),
    ("attached → session ready", "attached", "ready"),
    ("session ready → 1+1 answered", "ready", "answered"),
)


def measure(room: Room) -> Sequence[Figure]:
    ways = [_one(room) for _ in range(room.rounds)]
    return [
        _figure("restore → first answer (VMM executed → 1+1)", ways, "vmm", "answered", Goal(300)),
        _figure("Manager.create: a VM made and restored", ways, "asked", "up"),
        _figure("Manager.create → first answer", ways, "asked", "answered"),
        *(_figure(f"… {name}", ways, start, end) for name, start, end in STAGES),
    ]


def _figure(name: str, ways: list[Way], start: str, end: str, goal: Goal | None = None) -> Figure:
    return Figure(name, "ms", tuple((getattr(way, end) - getattr(way, start)) * 1000 for way in ways), goal=goal)


def _one(room: Room) -> Way:
    asked = time.clock_gettime(time.CLOCK_BOOTTIME)
    record = room.manager.create(LANGUAGE)
    up = time.clock_gettime(time.CLOCK_BOOTTIME)
    try:
        return asyncio.run(_ask(room.paths(record), record, asked, up))
    finally:
        room.clear()


async def _ask(paths: VmPaths, record: VmRecord, asked: float, up: float) -> Way:
    assert record.shim is not None
    assert record.vmm is not None
    client = await ShimClient.connect(paths)
    attached = time.monotonic()
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME) - attached
    try:
        opened = await open_and_ask(client)
    finally:
        await client.close()
    return Way(
        asked,
        record.shim.create_time,
        record.vmm.create_time,
        up,
        attached + since_boot,
        opened.ready + since_boot,
        opened.answered + since_boot,
    )
