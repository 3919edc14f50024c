"""Where benchmarks run: folders of their own, and nothing that is left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from era_kernel.models import VmRecord
from era_kernel.paths import StatePaths, VmPaths, open_state
from era_kernel.service.manager import Manager

LANGUAGE = "python"


@dataclass(frozen=True)
class Room:
    """A state folder, `rounds` (how often a quick thing is measured), and `say`, which takes a line of progress."""

    state: StatePaths
    manager: Manager
    rounds: int
    say: Callable[[str], None]

    @property
    def few(self) -> int:
        """How often a thing is measured that takes many seconds."""
        return max(1, self.rounds // 3)

    def paths(self, record: VmRecord) -> VmPaths:
        return self.state.vm(record.id)

    def clear(self) -> None:
        """Remove all VMs. RuntimeError when one stays."""
        failed = [str(outcome.error) for outcome in self.manager.clean(None) if outcome.error is not None]
        if failed:
            raise RuntimeError(f"VMs could not be removed: {'; '.join(failed)}")


@contextlib.contextmanager
def room(rounds: int) -> Iterator[Room]:
    """A room in temporary folders, for us and all that we start; its VMs and folders go at the end, come what may."""
    folder = Path(tempfile.mkdtemp(prefix="era-bench-"))
    folders = {"AGENT_STATE_DIR": "state", "IPYTHONDIR": "ipython", "JUPYTER_RUNTIME_DIR": "runtime"}
    os.environ.update({name: str(folder / part) for name, part in folders.items()})
    signal.signal(signal.SIGTERM, _leave)
    state = open_state()
    made = Room(state, Manager(state), rounds, say)
    try:
        yield made
    finally:
        made.clear()
        shutil.rmtree(folder)


def _leave(number: int, frame: FrameType | None) -> None:
    """SIGTERM as an exception, so that what was started is ended."""
    sys.exit(128 + number)


def say(line: str) -> None:
    """Progress, apart from the tables on stdout."""
    print(f"[{time.strftime('%H:%M:%S')}] {line}", file=sys.stderr, flush=True)


def seconds(action: Callable[[], object]) -> float:
    """How long something takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
