"""Every language: its start out of a template, small and big cells, the memory of an idle VM.

The other kernel is the language's native one, where a registry that can be reached here has it and it is installed:
ipykernel (pip) for python, tslab (npm) for node, bash_kernel (pip) for bash. Of ruby and go there is none.
CONTRIBUTING.md tells how they are installed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_client.kernelspec import KernelSpecManager

from era_kernel.languages import LANGUAGES
from era_kernel.paths import VmPaths
from era_kernel.shim.client import ShimClient
from tests.benchmarks.figure import Better, Figure, Goal
from tests.benchmarks.fleet import IDLE_SECONDS, processes, pss
from tests.benchmarks.front_end import first_result, kernel
from tests.benchmarks.room import Room, seconds
from tests.benchmarks.session import open_and_ask
from tests.conformance.notebook import Notebook
from tests.conformance.samples import SAMPLES

NATIVE = {"python": "python3", "node": "jslab", "bash": "bash"}
START_GOAL = 500.0
TRIPS = 10
PRINTED = 125_000 * 80
PRINT_SECONDS = 60.0
BETWEEN_NOTEBOOKS = 4.0


def measure(room: Room) -> Sequence[Figure]:
    return [figure for language in LANGUAGES for figure in _of(room, language)]


def _of(room: Room, language: str) -> list[Figure]:
    room.say(language)
    room.manager.create(language)  # not counted: the template is made now
    room.clear()
    starts = tuple(_start(room, language) for _ in range(room.rounds))
    memory = _memory(room, language)
    native = NATIVE.get(language, "")
    names = [f"era-{language}", *([native] if native in KernelSpecManager().find_kernel_specs() else [])]
    kernels = _kernel_starts(room, language, names)
    ours, theirs = [*(_cells(room, language, name) for name in names), Cells()][:2]
    faster, sooner = (Goal(1.0, Better.MORE, True), Goal(1.0, beside=True)) if theirs.trips else (None, None)
    lost = " (the other kernel does not give it whole)" if theirs.trips and not theirs.rates else ""
    return [
        Figure(f"{language}: VM asked for → first result", "ms", starts, goal=Goal(START_GOAL)),
        Figure(f"{language}: kernel start → first result, VM up", "ms", kernels[0], kernels[1], sooner),
        Figure(f"{language}: round trip of a small cell", "ms", ours.trips, theirs.trips, sooner),
        Figure(f"{language}: 10 MB printed{lost}", "MB/s", ours.rates, theirs.rates, faster if theirs.rates else None),
        Figure(f"{language}: idle VM with a session: VMM's PSS", "MiB", memory),
    ]


def _kernel_starts(room: Room, language: str, names: Sequence[str]) -> list[tuple[float, ...]]:
    """Milliseconds from the start of each kernel to its first result, in turns, the first of each not counted; always
    two tuples. As notebooks are opened, not one right after the other: a driver is ahead of the next session then.
    """
    found: list[list[float]] = [[], []]
    with contextlib.ExitStack() as stack:
        stack.callback(room.clear)
        for _ in range(room.rounds + 1):
            for times, name in zip(found, names, strict=False):
                time.sleep(BETWEEN_NOTEBOOKS)
                times.append(_kernel_start(name, SAMPLES[language].small))
    return [tuple(times[1:]) for times in found]


def _kernel_start(name: str, code: str) -> float:
    start = time.perf_counter()
    with kernel(name) as book:
        first_result(book, code)
        return (time.perf_counter() - start) * 1000


def _start(room: Room, language: str) -> float:
    """Milliseconds from Manager.create to what a cell gives."""
    began = time.monotonic()
    record = room.manager.create(language)
    try:
        return (asyncio.run(_answered(room.paths(record), language)) - began) * 1000
    finally:
        room.clear()


async def _answered(paths: VmPaths, language: str, pause: float = 0.0) -> float:
    client = await ShimClient.connect(paths)
    try:
        opened = await open_and_ask(client, language, SAMPLES[language].small, b"2")
        await asyncio.sleep(pause)
        return opened.answered
    finally:
        await client.close()


def _memory(room: Room, language: str) -> tuple[float, ...]:
    record = room.manager.create(language)
    try:
        asyncio.run(_answered(room.paths(record), language, IDLE_SECONDS))
        return (pss(processes(record).vmm),)
    finally:
        room.clear()


@dataclass(frozen=True)
class Cells:
    """Milliseconds of small cells, MB/s of big ones; none of these from a kernel that loses output."""

    trips: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()


def _cells(room: Room, language: str, name: str) -> Cells:
    samples = SAMPLES[language]
    with contextlib.ExitStack() as stack:
        stack.callback(room.clear)
        book = stack.enter_context(kernel(name))
        first_result(book, samples.small)
        trips = tuple(seconds(lambda: book.run(samples.small)) * 1000 for _ in range(TRIPS * room.rounds))
        try:
            return Cells(trips, tuple(_rate(book, samples.megabytes) for _ in range(room.few)))
        except (AssertionError, RuntimeError) as error:  # it never ended, or not all came
            if name.startswith("era-"):
                raise
            room.say(f"{name}: {str(error)[:200]}")
            return Cells(trips)


def _rate(book: Notebook, code: str) -> float:
    result = book.run(code, timeout=PRINT_SECONDS)
    if len(result.text()) != PRINTED:
        raise RuntimeError(f"{len(result.text())} bytes of output came")
    return PRINTED / result.elapsed / 1e6
