"""The VM is brought up, and its driver started, while the kernel imports what takes long.

Imports little itself, and nothing of ipykernel.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from era_kernel.errors import EraError
from era_kernel.languages import LanguageSpec, find_language
from era_kernel.service.dial import Dialed, dial_driver, dial_own, dial_running

log = logging.getLogger(__name__)

FIRST_SECONDS = 0.15
"""How long a VM's start has the interpreter to itself: about until its shim runs, which works while we import."""


class HeadStart:
    """A driver that is being started for the kernel of a language; `vm_id` as in dial_running(), `temporary`: in a VM
    of its own.

    In a VM that is up it is asked for within some ms, here and now: a thread of our own would contend with the imports.
    """

    def __init__(self, language: LanguageSpec, vm_id: str, *, temporary: bool = False) -> None:
        self._wanted = language, vm_id, temporary
        self._report: Callable[[str], None] = log.info
        self._future: Future[Dialed] = Future()
        if not temporary and (dialed := dial_running(language, vm_id)):
            self._future.set_result(dialed)
            return
        executor = ThreadPoolExecutor(1, "head start")
        self._future = executor.submit(self._dial)
        executor.shutdown(wait=False)
        wait([self._future], timeout=FIRST_SECONDS)

    def _dial(self) -> Dialed:
        language, vm_id, temporary = self._wanted
        if temporary:
            return dial_own(language, lambda line: self._report(line))
        return dial_driver(language, vm_id, lambda line: self._report(line))

    def take(
        self, language: LanguageSpec, vm_id: str, report: Callable[[str], None], *, temporary: bool = False
    ) -> Future[Dialed] | None:
        """The way to the driver, if it is for this VM; progress goes to `report` from now on."""
        if self._wanted != (language, vm_id, temporary):
            return None
        self._report = report
        return self._future


def begin(argv: Sequence[str]) -> HeadStart | None:
    """A head start for a kernel's command line; None for one that is not as a kernelspec's.

    The kernel reads its command line by traitlets later: here nothing is guessed, for a wrong VM must not come up.
    """
    vm_id, temporary = "", False
    match list(argv):
        case ["-f", _, "--language", language]:
            pass
        case ["-f", _, "--language", language, "--temp"]:
            temporary = True
        case ["-f", _, "--language", language, "--vm", vm_id]:
            pass
        case _:
            return None
    try:
        return HeadStart(find_language(language), vm_id, temporary=temporary)
    except EraError:
        return None
