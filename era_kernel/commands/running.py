"""Commands in VMs. Handlers take (manager, options, front_end) and give the exit status."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from era_kernel.commands.front_end import FrontEnd, Sink
from era_kernel.commands.options import ExecOptions, JobOptions, RunOptions, TempOptions
from era_kernel.errors import EraError
from era_kernel.models import ExecResult

if TYPE_CHECKING:
    from era_kernel.service.manager import Manager, Outcome, Output

NO_ROOM = 1 << 20
"""Bytes. With less than this, a disk that has to grow has probably stopped its VM."""


def execute(manager: Manager, options: ExecOptions, front_end: FrontEnd) -> int:
    """Run a command in VMs, its output streamed; the exit status is the command's, or the first that is not 0."""
    ids, job = options.selection.ids, options.job
    files = _files(job, front_end)

    async def work(sink: Sink) -> list[ExecResult | Outcome]:
        return await manager.execute(ids, job.command, timeout=job.timeout, output=sink.take, files=files)

    single = ids is not None and len(ids) == 1
    results = front_end.stream(work, labelled=not single, patience=job.timeout)
    statuses = [_ended(result, job.timeout, manager, front_end, quiet=single) for result in results]
    return next((status for status in statuses if status), 0)


def run(manager: Manager, options: RunOptions, front_end: FrontEnd) -> int:
    """Run a command in one VM and keep what it prints."""
    job = options.job
    assert job.command is not None
    command, files = job.command, _files(job, front_end)

    async def work(sink: Sink) -> ExecResult:
        output = _after_progress(sink, front_end)
        done = await manager.run(options.vm_id, command, timeout=job.timeout, output=output, files=files)
        return done.result

    result = front_end.stream(work, labelled=False, patience=job.timeout)
    return _ended(result, job.timeout, manager, front_end, quiet=True)


def temp(manager: Manager, options: TempOptions, front_end: FrontEnd) -> int:
    """Run a command in a VM that is made for it and deleted after it."""
    machine, job = options.machine, options.job
    files = _files(job, front_end)

    async def work(sink: Sink) -> ExecResult:
        return await manager.temp(
            machine.language,
            job.command,
            timeout=job.timeout,
            output=_after_progress(sink, front_end),
            files=files,
            image=machine.image,
            cpu=machine.cpu,
            mem=machine.mem,
            network=machine.network,
        )

    result = front_end.stream(work, labelled=False, patience=job.timeout)
    return _ended(result, job.timeout, manager, front_end, quiet=True)


def _files(job: JobOptions, front_end: FrontEnd) -> list[Path]:
    return [front_end.host_file(file, write=False) for file in job.files]


def _after_progress(sink: Sink, front_end: FrontEnd) -> Output:
    """An output that takes the progress line of the VM's start away first."""

    def output(vm_id: str, fd: int, data: bytes) -> None:
        front_end.end_progress()
        sink.take(vm_id, fd, data)

    return output


def _ended(result: ExecResult | Outcome, timeout: float, manager: Manager, front_end: FrontEnd, *, quiet: bool) -> int:
    """Say what went wrong with a command, and give the status it stands for.

    `quiet`: a status that is not 0 is the command's own business; with several VMs one wants to know whose it was.
    """
    if not isinstance(result, ExecResult):
        if result.error is None:
            return 0
        front_end.error(result.error, "" if quiet else result.vm_id)
        return result.error.exit_status
    if result.timed_out:
        error = EraError(f"The command took longer than {timeout:g} s and was ended", _remedy(manager))
        front_end.error(error, result.vm_id)
    elif result.oom:
        front_end.error("The guest's memory ran out. Create the VM with more --mem", result.vm_id)
    elif result.status and not quiet:
        front_end.error(f"The command ended with status {result.status}", result.vm_id)
    return result.status


def _remedy(manager: Manager) -> str:
    root = manager.state.root
    try:
        full = shutil.disk_usage(root).free < NO_ROOM
    except OSError:
        return ""
    return f"Make room under {root}: its disk is full, and VMs that write wait for that." if full else ""
