"""A VM held from its start to its end, for all its clients."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

from era_kernel import process
from era_kernel.launchers.base import BootPlan
from era_kernel.models import ProcessIdentity
from era_kernel.paths import VmPaths
from era_kernel.shim.console import ConsoleLog
from era_kernel.shim.guest import bring_up
from era_kernel.shim.launch import Launched
from era_kernel.shim.server import listen
from era_kernel.shim.snapshot import read_record
from era_kernel.shim.spawn import ShimStarted, start_sweeper
from era_kernel.shim.supervisor import Supervisor


def hold(
    paths: VmPaths,
    plan: BootPlan,
    launched: Launched,
    answer: Callable[[ShimStarted], None],
    owner: ProcessIdentity | None,
) -> None:
    """Bring up the VM whose VMM was launched, say so, serve its clients until it ends. Raises BootError before that.

    `owner` is the process that a temp VM is for.
    """
    asyncio.run(_hold(paths, plan, launched, answer, owner))


async def _hold(
    paths: VmPaths,
    plan: BootPlan,
    launched: Launched,
    answer: Callable[[ShimStarted], None],
    owner: ProcessIdentity | None,
) -> None:
    console = ConsoleLog(paths.console)
    before = read_record(paths) if plan.saved and plan.saved.once else None
    guest = await bring_up(plan, console, launched)
    paths.snapshot.unlink(missing_ok=True)
    supervisor = Supervisor(paths, plan, guest, console, owner=owner, before=before)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, supervisor.stop_soon)
    server = await listen(paths.socket, supervisor)
    assert guest.vmm.identity is not None
    answer(ShimStarted(process.identify(os.getpid()), guest.vmm.identity))
    try:
        await supervisor.serve()
    finally:
        server.close()
        paths.socket.unlink(missing_ok=True)
    if supervisor.deserted:
        start_sweeper(paths)
