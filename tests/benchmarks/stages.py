"""Where the time of a restore goes: the steps of service and shim, taken one by one in this process.

Their sum is less than Manager.create: the registry, its locks and the shim's own start are not among them.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from era_kernel.launchers.base import BootPlan, Launcher
from era_kernel.launchers.choose import choose_launcher
from era_kernel.models import VmRecord
from era_kernel.protocol.frames import PROTOCOL, FrameType
from era_kernel.service.create import choose_image, new_record
from era_kernel.service.limits import check_request
from era_kernel.shim.console import ConsoleLog
from era_kernel.shim.guest import TAKE_UP_TIMEOUT, greeted, resume, resume_for
from era_kernel.shim.launch import launch
from era_kernel.shim.link import GuestLink
from era_kernel.shim.vmm import Vmm
from era_kernel.templates.obtain import obtain
from tests.benchmarks.figure import Figure
from tests.benchmarks.room import LANGUAGE, Room


class Clock:
    """Milliseconds of named steps, in the order of their first run."""

    def __init__(self) -> None:
        self.steps: dict[str, list[float]] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.steps.setdefault(name, []).append((time.perf_counter() - start) * 1000)


def measure(room: Room) -> Sequence[Figure]:
    clock = Clock()
    for _ in range(room.rounds):
        _restore(room, clock)
    return [Figure(f"stage: {name}", "ms", tuple(values)) for name, values in clock.steps.items()]


def _restore(room: Room, clock: Clock) -> None:
    request = check_request(LANGUAGE)
    with clock.step("choose the launcher"):
        launcher = choose_launcher(None)
    with clock.step("find the image"):
        image, digest = choose_image(request, launcher, room.say)
    record = new_record(request, launcher, image, digest)
    folder = room.paths(record).folder
    folder.mkdir()
    try:
        asyncio.run(_take_up(_plan(room, clock, launcher, record), record, clock))
    finally:
        shutil.rmtree(folder)


def _plan(room: Room, clock: Clock, launcher: Launcher, record: VmRecord) -> BootPlan:
    paths = room.paths(record)
    with clock.step("find the template"):
        template = obtain(launcher, record, room.say)
    if template is None:
        raise RuntimeError("there is no template")
    with clock.step("make the disk"):
        template.give_disk(paths)
        launcher.prepare(record, paths, room.say)
    with clock.step("plan the command line"):
        return launcher.plan(record, paths, template.saved)


async def _take_up(plan: BootPlan, record: VmRecord, clock: Clock) -> None:
    """As a shim does it (era_kernel.shim.guest)."""
    with clock.step("execute the VMM"):
        vmm = Vmm(launch(plan), ConsoleLog(Path(plan.console)))
    try:
        assert vmm.monitor is not None
        _, link = await asyncio.get_running_loop().create_connection(GuestLink, sock=vmm.stream)
        with clock.step("jail, QEMU's start, state loaded"):
            await vmm.monitor.take_up(vmm.state_fd, memory_apart=True)
        with clock.step("RESUME: clock, entropy, names"):
            link.send(FrameType.HELLO, 0, PROTOCOL.to_bytes(4, "big"))
            await resume(vmm, link, resume_for(record.id))
            await greeted(vmm, link, TAKE_UP_TIMEOUT)
    finally:
        await vmm.kill()
