"""One action at a time on a VM, whichever process or thread it comes from.

The kernel frees a lock when its holder dies, however it dies: a VM that is being made and whose lock is free was given
up by whoever made it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from era_kernel.errors import StateFolderError, VmStateError
from era_kernel.paths import StatePaths
from era_kernel.progress import Report

VM_WAIT = 60.0
LANGUAGE_WAIT = 900.0
SILENT_WAIT = 1.0
_LANGUAGE = "kernel-"


class VmBusyError(VmStateError):
    """Another process does something with this VM."""


def vm_lock_path(state: StatePaths, vm_id: str) -> Path:
    return state.root / "locks" / f"{vm_id}.lock"


def locked_vms(state: StatePaths) -> list[str]:
    """The ids of VMs that a lock file is there for, whether somebody holds it or not."""
    locks = (path.stem for path in (state.root / "locks").glob("*.lock"))
    return [name for name in locks if not name.startswith(_LANGUAGE)]


@contextlib.contextmanager
def vm_lock(state: StatePaths, vm_id: str, wait: float = VM_WAIT) -> Iterator[None]:
    """Nobody else starts, stops or removes this VM meanwhile. VmBusyError when `wait` seconds did not do.

    Whoever waited reads the VM's record again: it may be another one, or none.
    """
    path = vm_lock_path(state, vm_id)
    lock = _lock(path)
    if not _acquire(lock, wait):
        raise VmBusyError(
            f"{vm_id} is busy: another process makes, starts, stops or removes it", "Try again when it is done."
        )
    try:
        yield
    finally:
        if not state.vm(vm_id).folder.exists():  # nobody will want the lock of a VM that is no more
            path.unlink(missing_ok=True)
        lock.release()


@contextlib.contextmanager
def language_lock(state: StatePaths, language: str, report: Report, wait: float = LANGUAGE_WAIT) -> Iterator[None]:
    """Nobody else looks for, starts or makes the language's VM for notebooks meanwhile. VmBusyError after `wait` s."""
    lock = _lock(state.root / "locks" / f"{_LANGUAGE}{language}.lock")
    if not _acquire(lock, SILENT_WAIT):
        report(f"waiting for another process that brings up the VM for {language} notebooks")
        if not _acquire(lock, wait):
            raise VmBusyError(
                f"Another process brings up the VM for {language} notebooks since more than {wait:.0f} s",
                f"It holds the lock {lock.lock_file}: end it, then try again.",
            )
    try:
        yield
    finally:
        lock.release()


def _lock(path: Path) -> FileLock:
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StateFolderError(f"The folder {path.parent} cannot be made: {error.strerror}") from error
    return FileLock(path, mode=0o600)


def _acquire(lock: FileLock, wait: float) -> bool:
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        return False
    except OSError as error:
        raise StateFolderError(f"The lock {lock.lock_file} cannot be taken: {error.strerror}") from error
    return True
