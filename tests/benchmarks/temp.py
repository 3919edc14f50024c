"""A VM for one command: the whole process of `era vm temp`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from tests.benchmarks.figure import Figure, Goal
from tests.benchmarks.room import LANGUAGE, Room, seconds

COMMAND = "python3 -c 'print(1)'"
TIMEOUT = 180


def measure(room: Room) -> Sequence[Figure]:
    values = tuple(seconds(_run) for _ in range(room.rounds))
    return [Figure(f'era vm temp --cmd "{COMMAND}", whole process', "s", values, goal=Goal(1.0))]


def _run() -> None:
    argv = [sys.executable, "-P", "-m", "era_kernel", "vm", "temp", "--language", LANGUAGE, "--cmd", COMMAND]
    done = subprocess.run(argv, check=True, timeout=TIMEOUT, stdout=subprocess.PIPE)
    if done.stdout != b"1\n":
        raise RuntimeError(f"the command printed {done.stdout!r}")
