"""The VM is brought up, and its driver started, while the kernel imports what takes long.

Imports little itself, and nothing of ipykernel. See RESULTS.md of the benchmarks for what it gains.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from era_kernel.errors import EraError
from era_kernel.languages import LanguageSpec, find_language
from era_kernel.launchers.base import Report
from era_kernel.service.dial import Dialed, dial_driver

log = logging.getLogger(__name__)

ATTACH_SECONDS = 0.05
"""More than it takes when the VM is up. Until then imports wait: two threads that run Python delay each other."""


class HeadStart:
    """A driver that is being started for the kernel of a language; `vm_id` as in dial_driver()."""

    def __init__(self, language: LanguageSpec, vm_id: str) -> None:
        self._report: Report = log.info
        executor = ThreadPoolExecutor(1, "head start")
        self._future = executor.submit(dial_driver, language, vm_id, lambda line: self._report(line))
        executor.shutdown(wait=False)
        self._wanted = language, vm_id

    def wait(self) -> None:
        """Wait until the driver was asked for, or it is clear that this takes longer."""
        wait([self._future], ATTACH_SECONDS)

    def take(self, language: LanguageSpec, vm_id: str, report: Report) -> Future[Dialed] | None:
        """The way to the driver, if it is for this VM; progress goes to `report` from now on."""
        if self._wanted != (language, vm_id):
            return None
        self._report = report
        return self._future


def begin(argv: Sequence[str]) -> HeadStart | None:
    """A head start for a kernel's command line; None for one that is not as a kernelspec's.

    The kernel reads its command line by traitlets later: here nothing is guessed, for a wrong VM must not come up.
    """
    match list(argv):
        case ["-f", _, "--language", language]:
            vm_id = ""
        case ["-f", _, "--language", language, "--vm", vm_id]:
            pass
        case _:
            return None
    try:
        return HeadStart(find_language(language), vm_id)
    except EraError:
        return None
