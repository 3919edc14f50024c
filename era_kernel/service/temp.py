"""A VM for one command."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from era_kernel.errors import UnknownVmError, VmLostError
from era_kernel.models import ExecResult, VmRecord
from era_kernel.service.context import Context
from era_kernel.service.create import create_vm
from era_kernel.service.execute import Job, run_in_vm
from era_kernel.service.limits import Request
from era_kernel.service.locks import vm_lock
from era_kernel.service.remove import remove_vm
from era_kernel.service.results import Output


async def run_temp(context: Context, request: Request, job: Job, output: Output) -> ExecResult:
    """Make a VM, do a job in it and remove it, whatever happens meanwhile; see Manager.temp."""
    job.check()
    unwanted = threading.Event()
    making = asyncio.ensure_future(asyncio.to_thread(create_vm, context, request, unwanted))
    try:
        record = await asyncio.shield(making)
        return await run_in_vm(context, record, job, output)
    except VmLostError as error:
        raise VmLostError(error.message, "It was made for this command alone, and is removed.") from error
    finally:
        unwanted.set()
        await asyncio.shield(asyncio.ensure_future(_discard(context, making)))


async def _discard(context: Context, making: asyncio.Future[VmRecord]) -> None:
    """Wait until the VM is made, or its making has been undone, and remove it."""
    await asyncio.wait([making])
    if not making.cancelled() and making.exception() is None:
        await asyncio.to_thread(_remove, context, making.result().id)


def _remove(context: Context, vm_id: str) -> None:
    with vm_lock(context.state, vm_id), contextlib.suppress(UnknownVmError):
        remove_vm(context, context.repository.get(vm_id))
