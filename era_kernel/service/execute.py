"""Commands in VMs, side by side."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from era_kernel.errors import EraError, UnknownVmError, UsageError, VmStateError
from era_kernel.languages import find_language
from era_kernel.models import ExecResult, Purpose, VmRecord, VmState
from era_kernel.service.context import Context
from era_kernel.service.files import check_file, send_file
from era_kernel.service.limits import check_timeout
from era_kernel.service.reconcile import reconcile
from era_kernel.service.results import Outcome, Output, Results
from era_kernel.shim.client import ExitKind, GuestProcess, Scope, ShimClient

log = logging.getLogger(__name__)

SHELL = "/bin/sh"
MAX_COMMAND = 128 << 10
"""Bytes that Linux takes as one argument (MAX_ARG_STRLEN), the zero at its end among them."""
KILL_WAIT = 5.0
TIMED_OUT = 124


@dataclass(frozen=True)
class Job:
    """What is run in a VM: a command for its shell, None for its language's hello, `files` of the host staged into /in
    before; `timeout` in seconds is the command's alone.
    """

    command: str | None
    timeout: float
    files: Sequence[Path] = ()

    def check(self) -> None:
        """Raises UsageError for a time that is none, a command that is too long, and files that cannot be staged."""
        check_timeout(self.timeout)
        if self.command is not None and (size := len(os.fsencode(self.command))) >= MAX_COMMAND:
            said = f"The command is {size} bytes long, and has to be shorter than {MAX_COMMAND >> 10} KiB"
            raise UsageError(said, "Put it into a file, and that into the VM with --file.")
        for file in self.files:
            check_file(file)

    def command_for(self, record: VmRecord) -> str:
        return find_language(record.spec.language).hello if self.command is None else self.command


async def execute(context: Context, vm_ids: Sequence[str] | None, job: Job, output: Output) -> Results:
    """Do a job in several VMs; see Manager.execute."""
    job.check()
    records = await asyncio.to_thread(choose_vms, context, vm_ids)

    async def attempt(record: VmRecord) -> ExecResult | Outcome:
        try:
            return await run_in_vm(context, record, job, output)
        except EraError as error:
            return Outcome(record.id, error)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(attempt(record)) for record in records]
    except ExceptionGroup as failures:  # what `output` raised: the group has ended the other commands
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def choose_vms(context: Context, vm_ids: Sequence[str] | None) -> list[VmRecord]:
    """The VMs that are meant: those named, or all that are up but other people's temp VMs.

    Raises UnknownVmError and VmStateError before anything runs anywhere.
    """
    known = {record.id: record for record in reconcile(context)}
    if vm_ids is None:
        chosen = [each for each in known.values() if each.state is VmState.READY and each.purpose is not Purpose.TEMP]
        if not chosen:
            remedy = "`era vm create --language L` makes one, `era vm start --vm ID` starts one."
            raise VmStateError("No VM is up", remedy)
        return chosen
    if not vm_ids:
        raise UsageError("No VM is named", "Name VMs, or all of them.")
    return [_must_be_up(known, vm_id) for vm_id in dict.fromkeys(vm_ids)]


def _must_be_up(known: dict[str, VmRecord], vm_id: str) -> VmRecord:
    record = known.get(vm_id)
    if record is None:
        raise UnknownVmError(vm_id)
    if record.state is VmState.STOPPED:
        raise VmStateError(f"{vm_id} is stopped", f"`era vm start --vm {vm_id}` brings it up.")
    if record.state is VmState.PROVISIONING:
        raise VmStateError(f"{vm_id} is still being made", "Try again when it is up.")
    return record


async def run_in_vm(context: Context, record: VmRecord, job: Job, output: Output) -> ExecResult:
    """Do a job in one VM. Cancelled, it ends the command and all that this started.

    Raises VmStateError, VmLostError.
    """
    client = await ShimClient.connect(context.state.vm(record.id))
    try:
        for file in job.files:
            await send_file(client, file)
        await asyncio.to_thread(_note_run, context, record.id)
        broken: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

        def sink(fd: int, data: bytes) -> None:
            if not broken.done():
                try:
                    output(record.id, fd, data)
                except Exception as error:  # the caller's own, such as a closed pipe: raised below
                    broken.set_result(error)

        process = await client.spawn([SHELL, "-c", "--", job.command_for(record)], sink)
        process.close_fd(0)
        return await _result(record.id, process, job.timeout, broken)
    finally:
        await client.close()  # ends what still runs


async def _result(vm_id: str, process: GuestProcess, timeout: float, broken: asyncio.Future[Exception]) -> ExecResult:
    ended = asyncio.ensure_future(process.wait())
    watched: list[asyncio.Future[Any]] = [ended, broken]
    try:
        await asyncio.wait(watched, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        timed_out = not ended.done() and not broken.done()
        if timed_out:
            process.signal(signal.SIGKILL, Scope.ALL)
            await asyncio.wait(watched, timeout=KILL_WAIT, return_when=asyncio.FIRST_COMPLETED)
        if broken.done():
            raise broken.result()
        if timed_out:
            killed_by_oom = ended.done() and ended.exception() is None and ended.result().oom
            return ExecResult(vm_id, TIMED_OUT, timed_out=True, oom=killed_by_oom)
        end = ended.result()
    finally:
        ended.cancel()
    if end.kind is ExitKind.FAILED:
        raise VmStateError(f"{SHELL} cannot be started in {vm_id}: {os.strerror(end.value)}", "Its image needs one.")
    return ExecResult(vm_id, end.status, oom=end.oom)


def _note_run(context: Context, vm_id: str) -> None:
    """A registry that cannot be written is no reason not to run a command."""
    try:
        context.repository.update(vm_id, last_run=time.time())
    except EraError as error:
        log.warning("The last run of %s is not recorded: %s", vm_id, error)
