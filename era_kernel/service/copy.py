"""Files into and out of a VM that is up, by its id."""

from __future__ import annotations

import asyncio
from pathlib import Path

from era_kernel.atomic import write_errors
from era_kernel.errors import UsageError
from era_kernel.paths import VmPaths
from era_kernel.service.context import Context
from era_kernel.service.execute import choose_vms
from era_kernel.service.files import check_file, fetch_file, put_file


async def put(context: Context, vm_id: str, source: Path, target: str) -> None:
    """See Manager.put."""
    _check(target)
    check_file(source)
    await put_file(await _up(context, vm_id), source, target)


async def fetch(context: Context, vm_id: str, source: str, target: Path) -> None:
    """See Manager.fetch."""
    _check(source)
    with write_errors(target, UsageError, "Name another place."):
        if not target.parent.is_dir():
            raise UsageError(f"There is no folder {target.parent}", "Make it first.")
    await fetch_file(await _up(context, vm_id), source, target)


def _check(guest_path: str) -> None:
    if not guest_path.startswith("/") or "\0" in guest_path:
        raise UsageError(f"{guest_path!r} is no path in a VM", "It begins with /, as in ID:/in/data.csv.")


async def _up(context: Context, vm_id: str) -> VmPaths:
    [record] = await asyncio.to_thread(choose_vms, context, [vm_id])
    return context.state.vm(record.id)
