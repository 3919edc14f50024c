"""A session in a VM without a kernel around it, and a second one beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from era_kernel.languages import find_language
from era_kernel.paths import VmPaths
from era_kernel.protocol import driver
from era_kernel.service.session import Session
from era_kernel.shim.client import ShimClient
from tests.benchmarks.figure import Figure, Goal
from tests.benchmarks.room import LANGUAGE, Room

ANSWER_SECONDS = 60.0
PAUSE_SECONDS = 1.0
"""Between two sessions, as nobody restarts a kernel twice a second: whatever the guest makes ready for the next one may
be ready again."""


class Answer:
    """The events of a session that is asked for one value."""

    def __init__(self) -> None:
        self.data = b""

    def text(self, name: str, data: bytes) -> None:
        self.data += data

    def event(self, request: str, event: driver.Event) -> None:
        if isinstance(event, driver.ExecuteResult):
            self.data += bytes(event.content.data)


@dataclass(frozen=True)
class Opened:
    """A session that has answered `1+1`, and when (time.monotonic) it was ready and had answered."""

    session: Session
    ready: float
    answered: float


async def open_and_ask(
    client: ShimClient, language: str = LANGUAGE, code: str = "1+1", shown: bytes = b'"2"'
) -> Opened:
    """Open a session and have it answer `code`. RuntimeError when it shows anything else."""
    answer = Answer()
    async with asyncio.timeout(ANSWER_SECONDS):
        session = await Session.start(client, find_language(language), answer)
        await session.wait_ready()
        ready = time.monotonic()
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "execution_count": 1,
        }
        await session.execute(content, on_start=lambda request: None)
    answered = time.monotonic()
    if shown not in answer.data:
        raise RuntimeError(f"{code} gave {answer.data!r}")
    return Opened(session, ready, answered)


def measure(room: Room) -> Sequence[Figure]:
    """The guest's part of a kernel restart."""
    record = room.manager.create(LANGUAGE)
    try:
        values = asyncio.run(_second_sessions(room.paths(record), room.rounds))
    finally:
        room.clear()
    return [Figure("a second session in a VM → first answer", "ms", tuple(values), goal=Goal(100))]


async def _second_sessions(paths: VmPaths, rounds: int) -> list[float]:
    client = await ShimClient.connect(paths)
    try:
        await open_and_ask(client)
        return [await _second(client) for _ in range(rounds)]
    finally:
        await client.close()


async def _second(client: ShimClient) -> float:
    await asyncio.sleep(PAUSE_SECONDS)
    start = time.monotonic()
    opened = await open_and_ask(client)
    opened.session.close()
    return (opened.answered - start) * 1000
