"""VMs as a look finds them."""

from __future__ import annotations

from era_kernel.models import Purpose, VmRecord, VmSpec, VmState
from era_kernel.service.results import VmView


def view(
    number: int = 1,
    state: VmState = VmState.READY,
    *,
    cpu: int = 1,
    used: int | None = 64,
    uptime: float | None = 90.0,
    snapshot: bool = False,
) -> VmView:
    spec = VmSpec("python", "localhost/era/python", cpu=cpu, mem=256)
    record = VmRecord(f"python-{number:08x}", spec, Purpose.USER, "qemu", "sha256:0", 1.0, state)
    return VmView(record, used, uptime, snapshot, sessions=0 if uptime is not None else None)


STOPPED = view(2, VmState.STOPPED, used=None, uptime=None, snapshot=True)
