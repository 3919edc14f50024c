"""Starting, stopping and cleaning one VM that there is, and the VM that notebooks share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from era_kernel.errors import UnknownVmError
from era_kernel.launchers.choose import launcher_named
from era_kernel.models import Purpose, VmRecord, VmState
from era_kernel.service import persist
from era_kernel.service.context import Context
from era_kernel.service.create import create_vm
from era_kernel.service.limits import Request
from era_kernel.service.locks import language_lock, vm_lock
from era_kernel.service.power import power_off, start_again, stop
from era_kernel.service.reconcile import reconcile, settle_locked
from era_kernel.service.remove import remove_vm


def start_vm(context: Context, vm_id: str) -> VmRecord:
    """See Manager.start."""
    with _locked(context, vm_id):
        record = settle_locked(context, vm_id)
        if record is None:
            raise UnknownVmError(vm_id)
        if record.state is not VmState.STOPPED:
            return record
        launcher = launcher_named(record.launcher)
        power_off(context.state.vm(vm_id), record)  # a shim that a killed starter left may be about to come up
        started = start_again(context, record, launcher)
        persist.give_back(context.state.vm(vm_id), started, launcher)
        return started


def stop_vm(context: Context, vm_id: str, *, keep_memory: bool) -> None:
    """See Manager.stop."""
    with _locked(context, vm_id):
        record = settle_locked(context, vm_id)
        if record is not None and record.state is not VmState.STOPPED:
            if record.purpose is Purpose.TEMP:  # it is for what runs in it, and for nothing after that
                remove_vm(context, record)
                return
            persist.keep(context.state.vm(vm_id), record)
            stop(context.state.vm(vm_id), record, keep_memory=keep_memory)
            context.repository.update(vm_id, state=VmState.STOPPED, shim=None, vmm=None)


def clean_vm(context: Context, vm_id: str, *, keep_persist: bool) -> None:
    """See Manager.clean."""
    with _locked(context, vm_id):
        record = context.repository.get(vm_id)
        if keep_persist:
            persist.keep(context.state.vm(vm_id), record, must=True)
        remove_vm(context, record, keep_persist=keep_persist)


def kernel_vm(context: Context, request: Request) -> VmRecord:
    """See Manager.kernel_vm."""
    language = request.language.name
    with language_lock(context.state, language, context.report):
        for record in reconcile(context):
            if record.purpose is Purpose.KERNEL and record.spec.language == language:
                return start_vm(context, record.id)
        return create_vm(context, request)


def own_vm(context: Context, request: Request) -> VmRecord:
    """See Manager.own_vm."""
    reconcile(context)
    return create_vm(context, request)


@contextlib.contextmanager
def _locked(context: Context, vm_id: str) -> Iterator[None]:
    """The lock of a VM that there is; UnknownVmError before it makes a lock file for one that there is not."""
    context.repository.get(vm_id)
    with vm_lock(context.state, vm_id):
        yield
