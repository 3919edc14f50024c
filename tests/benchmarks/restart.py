"""A kernel restarted as a notebook server does it: asked to end, waited for, started again on its old ports."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.benchmarks.figure import Figure, Goal
from tests.benchmarks.front_end import OURS, THEIRS, first_result, kernel
from tests.benchmarks.room import Room
from tests.conformance.notebook import Notebook


def measure(room: Room) -> Sequence[Figure]:
    """From restart_kernel() to the next result; and its first part, in which jupyter_client looks every 0.1 s whether
    the old kernel has ended."""
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    try:
        with kernel(OURS) as our_book, kernel(THEIRS) as their_book:
            first_result(our_book)
            first_result(their_book)
            for _ in range(room.rounds):
                ours.append(_restart(our_book))
                theirs.append(_restart(their_book))
    finally:
        room.clear()
    (ends, totals), (their_ends, their_totals) = zip(*ours, strict=True), zip(*theirs, strict=True)
    return [
        Figure("kernel restart → first result", "s", totals, their_totals, Goal(0.3)),
        Figure("… of which until the new process is started", "s", ends, their_ends),
    ]


def _restart(book: Notebook) -> tuple[float, float]:
    """Seconds until the new process is started, and until the first result."""
    start = time.perf_counter()
    book.manager.restart_kernel()
    started = time.perf_counter()
    first_result(book)
    return started - start, time.perf_counter() - start
