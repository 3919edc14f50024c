"""VMs made away with. Whoever calls holds the VM's lock.

A removal is decided at one moment: when the VM's folder is renamed to a trash name, which says all that remains to be
done. Killed before, the VM is as it was (stopped); killed after, whoever looks at the VMs next finishes it.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import msgspec

from era_kernel.launchers.choose import launcher_named
from era_kernel.models import VmId, VmRecord
from era_kernel.service.context import Context
from era_kernel.service.power import STOP_GRACE, power_off

TRASH = ".trash-"
KEEP = ".keep-persist"


def remove_vm(context: Context, record: VmRecord, *, keep_persist: bool = False) -> None:
    """Stop a VM and remove all that there is of it, but its persistent disk with `keep_persist`.

    Raises VmStateError when it cannot be stopped, LauncherError, OSError.
    """
    paths = context.state.vm(record.id)
    worth_syncing = keep_persist and record.spec.persist
    power_off(paths, record, grace=STOP_GRACE if worth_syncing else 0)
    launcher_named(record.launcher).delete(record, paths)
    trash = context.state.vms / f"{TRASH}{record.id}{KEEP if keep_persist else ''}"
    with contextlib.suppress(FileNotFoundError):
        paths.folder.rename(trash)
    finish_removal(context, record.id, trash, keep_persist=keep_persist)


def finish_removal(context: Context, vm_id: str, trash: Path, *, keep_persist: bool) -> None:
    """What follows the decision; done again, it does nothing.

    The disks go before the registry is written, so that a full disk can be cleaned up.
    """
    if not keep_persist:
        _remove_tree(context.state.vm(vm_id).persist)
    with contextlib.suppress(FileNotFoundError):
        for entry in trash.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                _remove_tree(entry)
            else:
                entry.unlink()
    context.repository.remove(vm_id)
    _remove_tree(trash)


def unfinished_removals(context: Context) -> list[tuple[str, Path, bool]]:
    """(VM id, trash, whether its persistent disk is kept) of each removal that was decided and not finished."""
    found: list[tuple[str, Path, bool]] = []
    for trash in context.state.vms.glob(f"{TRASH}*"):
        name = trash.name.removeprefix(TRASH)
        with contextlib.suppress(msgspec.ValidationError):
            found.append((msgspec.convert(name.removesuffix(KEEP), VmId), trash, name.endswith(KEEP)))
    return found


def _remove_tree(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
