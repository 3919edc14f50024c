"""/persist of VMs whose launcher has no disk or folder for it: saved when they stop, filled again when they are new.

Whoever calls holds the VM's lock. Between two stops the VM's own disk holds it: a VM that was killed has it still, and
only one whose disk is lost as well goes back to what was saved.
"""

from __future__ import annotations

import logging

from era_kernel.errors import EraError, VmStateError
from era_kernel.launchers.base import Launcher
from era_kernel.launchers.choose import launcher_named
from era_kernel.loop import run_async
from era_kernel.models import VmRecord
from era_kernel.paths import VmPaths
from era_kernel.service.files import load_persist, persist_archive, save_persist
from era_kernel.service.power import is_up

log = logging.getLogger(__name__)


def keep(paths: VmPaths, record: VmRecord, *, must: bool = False) -> None:
    """Save a VM's /persist before it goes down. Fails with VmStateError if it `must` be kept, else with a warning."""
    if not _is_ours_to_keep(record, paths, launcher_named(record.launcher)) or not is_up(paths, record):
        return
    try:
        run_async(lambda: save_persist(paths))
    except EraError as error:
        if must:
            raise VmStateError(
                f"/persist of {record.id} could not be kept: {error.message}", "Clean it without --keep-persist."
            ) from error
        log.warning("/persist of %s was not saved, it is on the VM's own disk only: %s", record.id, error)


def give_back(paths: VmPaths, record: VmRecord, launcher: Launcher) -> None:
    """Fill /persist of a VM that is up and whose disk is new. Raises VmStateError, VmLostError."""
    if not _is_ours_to_keep(record, paths, launcher) or paths.persist_loaded.exists():
        return
    if persist_archive(paths).exists():
        run_async(lambda: load_persist(paths))
    paths.persist_loaded.touch()


def _is_ours_to_keep(record: VmRecord, paths: VmPaths, launcher: Launcher) -> bool:
    return record.spec.persist and not launcher.keeps_persist(paths)
