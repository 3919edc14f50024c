"""The registry made true: what was killed, crashed or given up is found and put right.

Done before VMs are listed or acted upon. Whatever another process is working at (its lock is taken) is left to it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec

from era_kernel import process
from era_kernel.errors import EraError, UnknownVmError
from era_kernel.launchers.choose import launcher_named
from era_kernel.launchers.held import held_but_unknown
from era_kernel.models import Purpose, VmRecord, VmState
from era_kernel.service.context import Context
from era_kernel.service.locks import VmBusyError, locked_vms, vm_lock
from era_kernel.service.power import is_up, power_off
from era_kernel.service.remove import finish_removal, remove_vm, unfinished_removals

log = logging.getLogger(__name__)
T = TypeVar("T")


def reconcile(context: Context) -> list[VmRecord]:
    """Put right what is wrong and give the records that there are then, in the order in which they were made."""
    for vm_id, trash, keep in unfinished_removals(context):
        _undisturbed(context, vm_id, partial(finish_removal, context, vm_id, trash, keep_persist=keep), None)
    records = context.repository.all()
    for record in _stillborn(context, {record.id for record in records}):
        _undisturbed(context, record.id, partial(_remove_stillborn, context, record), None)
    for record in held_but_unknown(context.state, {record.id for record in records}):
        _undisturbed(context, record.id, partial(_remove_held, context, record), None)
    settled = [settle(context, record) for record in records]
    for vm_id in locked_vms(context.state):
        if not context.state.vm(vm_id).folder.exists():  # its maker or remover was killed; leaving the lock removes it
            _undisturbed(context, vm_id, lambda: None, None)
    return [record for record in settled if record is not None]


def settle(context: Context, record: VmRecord) -> VmRecord | None:
    """The record as it truly is, None for a VM that is no more."""
    if not _doubtful(context, record):
        return record
    given_up: VmRecord | None = record
    return _undisturbed(context, record.id, partial(settle_locked, context, record.id), given_up)


def _undisturbed(context: Context, vm_id: str, action: Callable[[], T], otherwise: T) -> T:
    """Do something about one VM unless another process has it; what goes wrong there must not hide the other VMs."""
    try:
        with vm_lock(context.state, vm_id, wait=0):
            return action()
    except VmBusyError:
        return otherwise
    except (EraError, OSError) as error:
        log.warning("%s could not be put right: %s", vm_id, error)
        return otherwise


def settle_locked(context: Context, vm_id: str) -> VmRecord | None:
    """The same with the VM's lock held, from a record read anew: what was read before may be of the past."""
    try:
        record = context.repository.get(vm_id)
    except UnknownVmError:
        return None
    return _put_right(context, record) if _doubtful(context, record) else record


def _doubtful(context: Context, record: VmRecord) -> bool:
    return (
        record.state is VmState.PROVISIONING
        or _is_over(context, record)
        or (record.state is VmState.STOPPED) is is_up(context.state.vm(record.id), record)
    )


def _is_over(context: Context, record: VmRecord) -> bool:
    """Whether a VM has nothing that anybody could want: its folder is gone, or whom it was for is."""
    if not context.state.vm(record.id).folder.is_dir():
        return True
    return record.purpose is Purpose.TEMP and (record.state is VmState.STOPPED or not process.is_alive(record.owner))


def _put_right(context: Context, record: VmRecord) -> VmRecord | None:
    """What a doubtful record's VM becomes. The VM's lock is held, so nobody is making it."""
    if record.state is VmState.PROVISIONING:
        log.info("%s was never finished and is removed", record.id)
        remove_vm(context, record)
        return None
    if _is_over(context, record):
        log.info("%s is not needed any more and is removed", record.id)
        remove_vm(context, record, keep_persist=record.purpose is not Purpose.TEMP)
        return None
    log.info("%s is not what its record says and is stopped", record.id)
    power_off(context.state.vm(record.id), record)
    stopped = context.repository.update(record.id, state=VmState.STOPPED, shim=None, vmm=None)
    return _put_right(context, stopped) if stopped.purpose is Purpose.TEMP else stopped


def _stillborn(context: Context, known: set[str]) -> list[VmRecord]:
    """VMs whose maker was killed before the registry knew them. Any other folder is somebody's data."""
    found = []
    for path in context.state.vms.glob("[!.]*/record.json"):
        if path.parent.name not in known:
            with contextlib.suppress(OSError, msgspec.DecodeError):
                record = msgspec.json.decode(path.read_bytes(), type=VmRecord)
                if record.state is VmState.PROVISIONING and record.id == path.parent.name:
                    found.append(record)
    return found


def _remove_held(context: Context, record: VmRecord) -> None:
    """What a launcher holds of a VM that is no more, with the VM's lock held: it may be being made just now.

    As long as there is its folder, from which a lost registry is rebuilt, it is somebody's data.
    """
    known = record.id in {each.id for each in context.repository.all()}
    if not known and not context.state.vm(record.id).folder.exists():
        log.info("%s is known to %s only and is removed there", record.id, record.launcher)
        launcher_named(record.launcher).delete(record, context.state.vm(record.id))


def _remove_stillborn(context: Context, record: VmRecord) -> None:
    """With the VM's lock held: it may have been finished meanwhile."""
    if record.id not in {each.id for each in context.repository.all()}:
        remove_vm(context, record)
