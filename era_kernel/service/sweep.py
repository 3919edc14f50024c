"""`python -m era_kernel.service.sweep FOLDER LOG_LEVEL LOG_FILE`: remove a temp VM that nobody is left to.

Its shim starts this as the last thing that it does. Somebody else who removes it meanwhile is no mistake.
"""

from __future__ import annotations

import sys
from pathlib import Path

from era_kernel import process
from era_kernel.errors import EraError, UnknownVmError
from era_kernel.logs import set_up_shim
from era_kernel.models import Purpose
from era_kernel.paths import StatePaths
from era_kernel.service.context import Context
from era_kernel.service.locks import vm_lock
from era_kernel.service.manager import log
from era_kernel.service.reconcile import settle_locked
from era_kernel.store.repository import VmRepository

SHIM_LEAVES = 10.0


def sweep(folder: Path) -> None:
    """Remove the temp VM of a folder whose VMM has ended. Raises EraError."""
    state = StatePaths(folder.parents[1])
    context = Context(state, VmRepository(state), None, log)
    try:
        record = context.repository.get(folder.name)
        if record.purpose is not Purpose.TEMP:
            return
        if record.shim is not None:
            process.wait_gone(record.shim, SHIM_LEAVES)
        with vm_lock(state, record.id):
            settle_locked(context, record.id)
    except UnknownVmError:
        return


def main() -> None:
    folder, *logging = sys.argv[1:]
    set_up_shim(*logging)
    try:
        sweep(Path(folder))
    except EraError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
