"""The start of a kernel, beside ipykernel's: with the language's VM up, and with no VM yet."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.benchmarks.figure import Figure, Goal
from tests.benchmarks.front_end import OURS, THEIRS, first_result, kernel
from tests.benchmarks.room import Room


def measure(room: Room) -> Sequence[Figure]:
    """The three kinds of start take turns. The first of each is not counted: files are read for the first time then."""
    theirs: list[float] = []
    new: list[float] = []
    up: list[float] = []
    try:
        for _ in range(room.rounds + 1):
            theirs.append(_start(THEIRS))
            room.clear()
            new.append(_start(OURS))
            up.append(_start(OURS))
    finally:
        room.clear()
    beside, goal = tuple(theirs[1:]), Goal(1.0, beside=True)
    return [
        Figure("kernel start → first result, VM up", "ms", tuple(up[1:]), beside, goal),
        Figure("kernel start → first result, no VM yet", "ms", tuple(new[1:]), beside, goal),
    ]


def _start(name: str) -> float:
    """Milliseconds from the start of a kernel to its first result."""
    start = time.perf_counter()
    with kernel(name) as book:
        first_result(book)
        return (time.perf_counter() - start) * 1000
