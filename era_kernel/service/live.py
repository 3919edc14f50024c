"""What VMs are doing just now, asked of all of them at once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from era_kernel.models import VmRecord, VmState
from era_kernel.paths import StatePaths, VmPaths
from era_kernel.service.results import VmView

LOOK_TIMEOUT = 1.5
KIB_PER_MIB = 1024


def look(state: StatePaths, records: Sequence[VmRecord]) -> list[VmView]:
    """A view of each record. A VM that does not answer in time is shown as ready, without figures."""
    up = [record for record in records if record.state is VmState.READY]
    if not up:
        return [_view(state, record) for record in records]
    from era_kernel.loop import run_async

    seen = {view.record.id: view for view in run_async(lambda: _look_at_all(state, up))}
    return [seen.get(record.id) or _view(state, record) for record in records]


def _view(state: StatePaths, record: VmRecord) -> VmView:
    """Of a VM that cannot be asked."""
    kept = record.state is VmState.STOPPED and state.vm(record.id).snapshot_record.exists()
    return VmView(record, snapshot=kept)


async def _look_at_all(state: StatePaths, records: Sequence[VmRecord]) -> list[VmView]:
    import asyncio

    return await asyncio.gather(*(_look_at(state.vm(record.id), record) for record in records))


async def _look_at(paths: VmPaths, record: VmRecord) -> VmView:
    import asyncio

    from era_kernel.errors import EraError
    from era_kernel.shim.client import ShimClient

    try:
        client = await ShimClient.connect(paths, LOOK_TIMEOUT)
    except EraError:
        return VmView(record)
    try:
        status, stats = await asyncio.gather(
            client.status(LOOK_TIMEOUT), client.stats(LOOK_TIMEOUT), return_exceptions=True
        )
    finally:
        await client.close()
    mem_used = None
    if not isinstance(stats, BaseException):
        mem_used = used_mib(stats.mem_total, stats.mem_available, record.spec.mem)
    if isinstance(status, BaseException):
        return VmView(record, mem_used)
    state = VmState.RUNNING if status.processes > 0 else VmState.READY
    return VmView(msgspec.structs.replace(record, state=state), mem_used, status.uptime, sessions=status.sessions)


def used_mib(total: int, available: int, limit: int) -> int:
    """MiB in use, from KiB that a guest claims: never more than it was given."""
    return max(0, min((total - available) // KIB_PER_MIB, limit))
