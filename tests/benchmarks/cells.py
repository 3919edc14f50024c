"""Cells in a running kernel, beside ipykernel: the smallest one, and one that prints a lot."""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.figure import Better, Figure, Goal
from tests.benchmarks.front_end import KERNELS, OURS, THEIRS, first_result, kernel
from tests.benchmarks.room import Room, seconds
from tests.conformance.notebook import Notebook

TRIPS = 30
LINES = 125_000
LINE_BYTES = 80
PRINT = f"for n in range({LINES}): print(f'{{n:0{LINE_BYTES - 1}d}}')"
PRINT_TIMEOUT = 120.0


def measure(room: Room) -> Sequence[Figure]:
    trips: dict[str, list[float]] = {name: [] for name in KERNELS}
    rates: dict[str, list[float]] = {name: [] for name in KERNELS}
    try:
        with kernel(OURS) as ours, kernel(THEIRS) as theirs:
            books = {OURS: ours, THEIRS: theirs}
            for book in books.values():
                first_result(book)
            for _ in range(room.rounds):
                for name, book in books.items():
                    trips[name] += _trips(book)
                    rates[name].append(_rate(book))
    finally:
        room.clear()
    return [
        _figure("round trip of 1+1", "ms", trips, Better.LESS),
        _figure(f"10 MB printed in {LINE_BYTES}-byte lines", "MB/s", rates, Better.MORE),
    ]


def _figure(name: str, unit: str, values: dict[str, list[float]], better: Better) -> Figure:
    return Figure(name, unit, tuple(values[OURS]), tuple(values[THEIRS]), Goal(1.0, better, beside=True))


def _trips(book: Notebook) -> list[float]:
    """Milliseconds of each of TRIPS cells."""
    return [seconds(lambda: book.run("1+1")) * 1000 for _ in range(TRIPS)]


def _rate(book: Notebook) -> float:
    """MB/s of output. RuntimeError when a byte of it is missing."""
    result = book.run(PRINT, timeout=PRINT_TIMEOUT)
    if len(result.text()) != LINES * LINE_BYTES:
        raise RuntimeError(f"{len(result.text())} bytes of output came")
    return LINES * LINE_BYTES / result.elapsed / 1e6
