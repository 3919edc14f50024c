"""A template made: a guest is booted, its language's zygote made warm, then it falls silent and is saved."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import time
from pathlib import Path

from era_kernel.errors import BootError, VmStateError
from era_kernel.images.cache import making_error
from era_kernel.images.overlay import make_overlay
from era_kernel.launchers.base import TEMPLATE_DISK, TEMPLATE_RAM, BootPlan, Launcher
from era_kernel.models import VmRecord
from era_kernel.progress import Report, Stage, Step
from era_kernel.protocol import agent
from era_kernel.protocol.frames import Frame, FrameType
from era_kernel.shim.console import ConsoleLog
from era_kernel.shim.guest import Guest, answer_of, greeted, resume, resume_for
from era_kernel.shim.launch import launch
from era_kernel.shim.link import GuestLink
from era_kernel.shim.vmm import Vmm
from era_kernel.templates.template import OVERLAY, STATE, new_base, seal

WARM_SECONDS = 60.0
REHEARSAL_SECONDS = 60.0
MIB = 1 << 20
SPARE_ROOM = 128 * MIB
_STREAM = 1


async def build(launcher: Launcher, record: VmRecord, folder: Path, report: Report) -> None:
    """Fill an empty folder with a template for VMs like `record`.

    Raises OSError for a full disk, BootError, VmStateError, ProtocolError, TimeoutError, ImageError, ToolError.
    """
    _check_room(folder, record.spec.mem * MIB)
    plan = launcher.template_plan(record, folder, report)
    await _boot_and_save(plan, record, folder, report)
    for file in (folder / TEMPLATE_RAM, folder / TEMPLATE_DISK):
        os.chown(file, os.geteuid(), os.getegid())
    base = new_base()
    make_overlay(folder / OVERLAY, folder / TEMPLATE_DISK, base)
    Path(plan.console).unlink(missing_ok=True)
    (folder / "persist.raw").unlink(missing_ok=True)
    seal(folder, record, plan.fingerprint, base, time.time())


def _check_room(folder: Path, needed: int) -> None:
    """A VMM that writes its guest's memory to a full disk is killed by the host without a word."""
    if shutil.disk_usage(folder).free < needed + SPARE_ROOM:
        raise making_error(folder, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


async def _boot_and_save(plan: BootPlan, record: VmRecord, folder: Path, report: Report) -> None:
    console = ConsoleLog(Path(plan.console))
    vmm = Vmm(launch(plan), console)
    _, link = await asyncio.get_running_loop().create_connection(GuestLink, sock=vmm.stream)
    try:
        hello = await greeted(vmm, link, plan.boot_timeout)
        await resume(vmm, link, resume_for(record.id, template=True))
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        link.listen(lambda frame: _note_exit(frame, ended))
        report(Step(Stage.WARM, f"warming up {record.spec.language} in it"))
        await _warm(plan, vmm, link)
        await _rehearse(vmm, link, ended)
        report(Step(Stage.SAVE, "saving its memory"))
        with (folder / STATE).open("wb") as state:
            await Guest(vmm, link, hello.version).save(state, memory_apart=True)
            os.fsync(state.fileno())
    except BootError as error:
        raise BootError(error.message, error.remedy, console.tail()) from error
    finally:
        await vmm.kill()


async def _warm(plan: BootPlan, vmm: Vmm, link: GuestLink) -> None:
    if not plan.warm:
        return
    if not await answer_of(link, vmm, link.warm_up(plan.warm), WARM_SECONDS, "warm up"):
        raise VmStateError("The language's driver did not become warm")


def _note_exit(frame: Frame, ended: asyncio.Future[None]) -> None:
    if frame.type is FrameType.EXIT and not ended.done():
        ended.set_result(None)


async def _rehearse(vmm: Vmm, link: GuestLink, ended: asyncio.Future[None]) -> None:
    """Run a command once, so that a shell is in the guest's page cache."""
    link.send(FrameType.SPAWN, _STREAM, agent.encode_spawn(["/bin/sh", "-c", ":"], agent.GUEST_ENV, "/root"))
    await answer_of(link, vmm, ended, REHEARSAL_SECONDS, "run a command")
    for fd in (agent.STDIN, agent.STDOUT, agent.STDERR):
        link.send(FrameType.CLOSE, _STREAM, bytes([fd]))
