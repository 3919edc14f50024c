"""Something done with several VMs at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from era_kernel.errors import EraError, StateFolderError
from era_kernel.service.results import Outcome, Outcomes

THREADS = 16


def side_by_side(vm_ids: Iterable[str], action: Callable[[str], object]) -> Outcomes:
    """Do something with several VMs at once; one that fails does not stop the others. An id named twice counts once."""

    def attempt(vm_id: str) -> Outcome:
        try:
            action(vm_id)
        except EraError as error:
            return Outcome(vm_id, error)
        except OSError as error:
            return Outcome(vm_id, StateFolderError(f"{vm_id}: {error}"))
        return Outcome(vm_id)

    unique = list(dict.fromkeys(vm_ids))
    if not unique:
        return []
    with ThreadPoolExecutor(min(THREADS, len(unique)), thread_name_prefix="era-vm") as pool:
        return list(pool.map(attempt, unique))
