"""Every language: its start out of a template, small and big cells, the memory of an idle VM.

The other kernel is the language's native one, where a registry that can be reached here has it and it is installed:
ipykernel (pip) for python, tslab (npm) for node, bash_kernel (pip) for bash. Of ruby and go there is none.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

from jupyter_client.kernelspec import KernelSpecManager

from era_kernel.languages import LANGUAGES
from era_kernel.paths import VmPaths
from era_kernel.shim.client import ShimClient
from tests.benchmarks.figure import Better, Figure, Goal
from tests.benchmarks.fleet import IDLE_SECONDS, processes, pss
from tests.benchmarks.front_end import kernel
from tests.benchmarks.room import Room, seconds
from tests.benchmarks.session import open_and_ask
from tests.conformance.notebook import Notebook
from tests.conformance.samples import SAMPLES

NATIVE = {"python": "python3", "node": "jslab", "bash": "bash"}
START_GOAL = 500.0
TRIPS = 10
PRINTED = 125_000 * 80
PRINT_SECONDS = 180.0
READY_SECONDS = 180.0


def measure(room: Room) -> Sequence[Figure]:
    return [figure for language in LANGUAGES for figure in _of(room, language)]


def _of(room: Room, language: str) -> list[Figure]:
    room.say(language)
    room.manager.create(language)  # not counted: the template is made now
    room.clear()
    starts = tuple(_start(room, language) for _ in range(room.rounds))
    memory = _memory(room, language)
    ours = _cells(room, language, f"era-{language}")
    native = NATIVE.get(language, "")
    is_there = native in KernelSpecManager().find_kernel_specs()
    theirs = _cells(room, language, native) if is_there else ((), ())
    return [
        Figure(f"{language}: VM asked for → first result", "ms", starts, goal=Goal(START_GOAL)),
        Figure(f"{language}: round trip of a small cell", "ms", ours[0], theirs[0]),
        Figure(
            f"{language}: 10 MB printed", "MB/s", ours[1], theirs[1], Goal(1.0, Better.MORE, True) if is_there else None
        ),
        Figure(f"{language}: idle VM with a session: VMM's PSS", "MiB", memory),
    ]


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


def _cells(room: Room, language: str, name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(milliseconds of small cells, MB/s of big ones)."""
    samples = SAMPLES[language]
    with contextlib.ExitStack() as stack:
        stack.callback(room.clear)
        book = stack.enter_context(kernel(name))
        book.client.wait_for_ready(timeout=READY_SECONDS)
        book.run(samples.small)
        trips = tuple(seconds(lambda: book.run(samples.small)) * 1000 for _ in range(TRIPS * room.rounds))
        return trips, tuple(_rate(book, samples.megabytes) for _ in range(room.few))


def _rate(book: Notebook, code: str) -> float:
    result = book.run(code, timeout=PRINT_SECONDS)
    if len(result.text()) != PRINTED:
        raise RuntimeError(f"{len(result.text())} bytes of output came")
    return PRINTED / result.elapsed / 1e6
