"""A program on a terminal in a VM."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence

from era_kernel.errors import VmStateError
from era_kernel.service.actions import start_vm
from era_kernel.service.context import Context
from era_kernel.service.execute import choose_vms
from era_kernel.service.results import TerminalOutput
from era_kernel.shim.client import ExitKind, GuestProcess, ShimClient

Program = GuestProcess
"""What a front end holds of a program that runs in a VM."""


@contextlib.asynccontextmanager
async def program(
    context: Context,
    vm_id: str,
    argv: Sequence[str],
    output: TerminalOutput,
    *,
    size: tuple[int, int],
    env: Mapping[str, str],
) -> AsyncIterator[Program]:
    """See Manager.program."""
    await asyncio.to_thread(start_vm, context, vm_id)
    [record] = await asyncio.to_thread(choose_vms, context, [vm_id])
    client = await ShimClient.connect(context.state.vm(record.id))
    try:
        yield await client.spawn(argv, lambda fd, data: output(data), env=env, pty=size)
    finally:
        await client.close()  # hangs up what still runs


async def status_of(process: Program, name: str) -> int:
    """The exit status of a program, 128 + n when signal n ended it. Raises VmStateError for one that never ran."""
    end = await process.wait()
    if end.kind is ExitKind.FAILED:
        raise VmStateError(f"{name} cannot be started in the VM: {os.strerror(end.value)}", "Is it in its image?")
    return end.status
