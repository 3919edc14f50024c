"""Commands in VMs. Handlers take (manager, options, front_end) and give the exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from era_kernel.commands.front_end import FrontEnd, Sink
from era_kernel.commands.options import ExecOptions, TempOptions
from era_kernel.models import ExecResult

if TYPE_CHECKING:
    from era_kernel.service.manager import Manager, Outcome


def execute(manager: Manager, options: ExecOptions, front_end: FrontEnd) -> int:
    """Run a command in VMs, its output streamed; the exit status is the command's, or the first that is not 0."""
    ids = options.selection.ids

    async def job(sink: Sink) -> list[ExecResult | Outcome]:
        return await manager.execute(ids, options.command, timeout=options.timeout, output=sink.take)

    single = ids is not None and len(ids) == 1
    results = front_end.stream(job, labelled=not single, patience=options.timeout)
    statuses = [_ended(result, options.timeout, front_end, quiet=single) for result in results]
    return next((status for status in statuses if status), 0)


def temp(manager: Manager, options: TempOptions, front_end: FrontEnd) -> int:
    """Run a command in a VM that is made for it and deleted after it."""
    machine = options.machine

    async def job(sink: Sink) -> ExecResult:
        def output(vm_id: str, fd: int, data: bytes) -> None:
            front_end.end_progress()
            sink.take(vm_id, fd, data)

        return await manager.temp(
            machine.language,
            options.command,
            timeout=options.timeout,
            output=output,
            image=machine.image,
            cpu=machine.cpu,
            mem=machine.mem,
            network=machine.network,
        )

    result = front_end.stream(job, labelled=False, patience=options.timeout)
    return _ended(result, options.timeout, front_end, quiet=True)


def _ended(result: ExecResult | Outcome, timeout: float, front_end: FrontEnd, *, quiet: bool) -> int:
    """Say what went wrong with a command, and give the status it stands for.

    `quiet`: a status that is not 0 is the command's own business; with several VMs one wants to know whose it was.
    """
    if not isinstance(result, ExecResult):
        if result.error is None:
            return 0
        front_end.error(result.error, "" if quiet else result.vm_id)
        return result.error.exit_status
    if result.timed_out:
        front_end.error(f"The command took longer than {timeout:g} s and was ended", result.vm_id)
    elif result.oom:
        front_end.error("The guest's memory ran out. Create the VM with more --mem", result.vm_id)
    elif result.status and not quiet:
        front_end.error(f"The command ended with status {result.status}", result.vm_id)
    return result.status
