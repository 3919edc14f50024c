"""What the `era vm` commands do. Each handler takes (manager, options, console) and gives the exit status."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from era_kernel.cli.options import (
    CleanOptions,
    CreateOptions,
    ExecOptions,
    ListOptions,
    Selection,
    StopOptions,
    TempOptions,
)
from era_kernel.cli.output import Console
from era_kernel.errors import EraError
from era_kernel.models import ExecResult, VmState

if TYPE_CHECKING:
    from era_kernel.service.manager import Manager, Outcome, VmView

COLUMNS = (
    "ID",
    "Language",
    "Status",
    "CPU",
    "Mem(MiB)",
    "Used(MiB)",
    "Network",
    "Persist",
    "Snapshot",
    "Created",
    "Last Run",
)


def create(manager: Manager, options: CreateOptions, console: Console) -> int:
    """Make a VM; its id is the only thing on stdout."""
    machine = options.machine
    record = manager.create(
        machine.language,
        image=machine.image,
        cpu=machine.cpu,
        mem=machine.mem,
        network=machine.network,
        persist=options.persist,
    )
    console.line(record.id)
    return 0


def start(manager: Manager, options: Selection, console: Console) -> int:
    """Bring stopped VMs up, one after the other."""
    ids = options.ids
    if ids is None:
        ids = tuple(view.record.id for view in manager.list(VmState.STOPPED, include_stopped=True))
    return _each_done(map(_attempt(manager.start), ids), "started", "No VMs to start.", console)


def stop(manager: Manager, options: StopOptions, console: Console) -> int:
    """Stop VMs; their disks stay, and their memory unless they are powered off."""
    outcomes = manager.stop(options.selection.ids, power_off=options.power_off)
    return _each_done(_pairs(outcomes), "stopped", "No VMs to stop.", console)


def clean(manager: Manager, options: CleanOptions, console: Console) -> int:
    """Delete VMs and their disks."""
    outcomes = manager.clean(options.selection.ids, keep_persist=options.keep_persist)
    return _each_done(_pairs(outcomes), "cleaned", "No VMs to clean.", console)


def list_vms(manager: Manager, options: ListOptions, console: Console) -> int:
    """Show the VMs, as a table or as JSON."""
    views = manager.list(options.status, include_stopped=options.everything)
    if options.json:
        import json

        console.document(json.dumps([fields(view) for view in views], indent=2) + "\n")
    elif not views:
        console.line("No VMs found.")
    else:
        console.table(COLUMNS, [row(view) for view in views])
        console.line(f"Total: {len(views)} VM{'' if len(views) == 1 else 's'}")
    return 0


def execute(manager: Manager, options: ExecOptions, console: Console) -> int:
    """Run a command in VMs, its output streamed; the exit status is the command's, or the first that is not 0."""
    from era_kernel.cli.stream import Sink, run_streaming

    ids = options.selection.ids

    async def job(sink: Sink) -> list[ExecResult | Outcome]:
        return await manager.execute(ids, options.command, timeout=options.timeout, output=sink.take)

    single = ids is not None and len(ids) == 1
    results = run_streaming(job, labelled=not single, patience=options.timeout)
    statuses = [_ended(result, options.timeout, console, quiet=single) for result in results]
    return next((status for status in statuses if status), 0)


def temp(manager: Manager, options: TempOptions, console: Console) -> int:
    """Run a command in a VM that is made for it and deleted after it."""
    from era_kernel.cli.stream import Sink, run_streaming

    machine = options.machine

    async def job(sink: Sink) -> ExecResult:
        def output(vm_id: str, fd: int, data: bytes) -> None:
            console.end_progress()
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

    result = run_streaming(job, labelled=False, patience=options.timeout)
    return _ended(result, options.timeout, console, quiet=True)


def fields(view: VmView) -> dict[str, Any]:
    """All that is known of a VM, for JSON. Times in ISO 8601, UTC; `mem` and `mem_used` in MiB, `uptime` in seconds."""
    import msgspec

    record = view.record
    return {
        "id": record.id,
        "status": record.state.value,
        **msgspec.to_builtins(record.spec),
        "digest": record.digest,
        "purpose": record.purpose.value,
        "launcher": record.launcher,
        "created": _iso(record.created),
        "last_run": _iso(record.last_run) if record.last_run else None,
        "mem_used": view.mem_used,
        "uptime": view.uptime,
        "snapshot": view.snapshot,
        "shim": msgspec.to_builtins(record.shim),
        "vmm": msgspec.to_builtins(record.vmm),
    }


def row(view: VmView) -> tuple[str, ...]:
    """A VM's row under COLUMNS. Times are local."""
    record, spec = view.record, view.record.spec
    return (
        record.id,
        spec.language,
        record.state.value,
        str(spec.cpu),
        str(spec.mem),
        "-" if view.mem_used is None else str(view.mem_used),
        spec.network.value,
        "yes" if spec.persist else "no",
        "yes" if view.snapshot else "no",
        _local(record.created),
        _local(record.last_run) if record.last_run else "never",
    )


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _local(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _attempt(action: Callable[[str], object]) -> Callable[[str], tuple[str, EraError | None]]:
    def attempt(vm_id: str) -> tuple[str, EraError | None]:
        try:
            action(vm_id)
        except EraError as error:
            return vm_id, error
        return vm_id, None

    return attempt


def _pairs(outcomes: Iterable[Outcome]) -> Iterable[tuple[str, EraError | None]]:
    return ((outcome.vm_id, outcome.error) for outcome in outcomes)


def _each_done(outcomes: Iterable[tuple[str, EraError | None]], done: str, nothing: str, console: Console) -> int:
    """A line for each VM as it is done; 1 when one of them failed."""
    status, count = 0, 0
    for vm_id, error in outcomes:
        count += 1
        if error is None:
            console.line(f"{vm_id} {done}")
        else:
            console.error(error, vm_id)
            status = 1
    if not count:
        console.line(nothing)
    return status


def _ended(result: ExecResult | Outcome, timeout: float, console: Console, *, quiet: bool) -> int:
    """Say what went wrong with a command, and give the status it stands for.

    `quiet`: a status that is not 0 is the command's own business; with several VMs one wants to know whose it was.
    """
    if not isinstance(result, ExecResult):
        if result.error is None:
            return 0
        console.error(result.error, "" if quiet else result.vm_id)
        return result.error.exit_status
    if result.timed_out:
        console.error(f"The command took longer than {timeout:g} s and was ended", result.vm_id)
    elif result.oom:
        console.error("The guest's memory ran out. Create the VM with more --mem", result.vm_id)
    elif result.status and not quiet:
        console.error(f"The command ended with status {result.status}", result.vm_id)
    return result.status
