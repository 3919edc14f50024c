"""`list`: VMs as a table or as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from era_kernel.commands.front_end import FrontEnd
from era_kernel.commands.options import ListOptions
from era_kernel.panel.cells import Bar, Cell, State

if TYPE_CHECKING:
    from era_kernel.service.manager import Manager, VmView

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


def list_vms(manager: Manager, options: ListOptions, front_end: FrontEnd) -> int:
    """Show the VMs, as a table or as JSON."""
    views = manager.list(options.status, include_stopped=options.everything)
    if options.json:
        import json

        front_end.document(json.dumps([fields(view) for view in views], indent=2) + "\n")
    elif not views:
        front_end.line("No VMs found.")
    else:
        front_end.table(COLUMNS, [row(view) for view in views])
        front_end.line(f"Total: {len(views)} VM{'' if len(views) == 1 else 's'}")
    return 0


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
        "sessions": view.sessions,
        "shim": msgspec.to_builtins(record.shim),
        "vmm": msgspec.to_builtins(record.vmm),
    }


def row(view: VmView) -> tuple[Cell, ...]:
    """A VM's row under COLUMNS. Times are local."""
    record, spec = view.record, view.record.spec
    return (
        record.id,
        spec.language,
        State(record.state),
        str(spec.cpu),
        str(spec.mem),
        "-" if view.mem_used is None else Bar(view.mem_used / spec.mem, str(view.mem_used)),
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
