"""What guests write, to our own stdout and stderr as it comes; a signal or a closed stdout ends the job."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import time
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, TypeVar

from era_kernel.cli.output import STDERR, STDOUT, unwritable
from era_kernel.commands.front_end import Sink
from era_kernel.commands.sinks import LabelledSink, RawSink

ResultT = TypeVar("ResultT")

CHUNK = select.PIPE_BUF
"""A pipe that poll() calls writable takes this much without blocking (POSIX, write())."""

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_POLL_MS = 100


class Outlet:
    """Writes to our stdout and stderr without ever blocking for good.

    A reader that takes nothing for `patience` seconds, or a call of `stop()`, makes it drop the rest: otherwise a stuck
    reader would keep the guest's command alive past its time limit. `on_failure` is told once why stdout takes no more.
    """

    def __init__(self, patience: float, on_failure: Callable[[OSError], None]) -> None:
        self._patience = patience
        self._on_failure = on_failure
        self._shut: set[int] = set()

    def stop(self) -> None:
        """Drop whatever comes from now on."""
        self._shut |= {STDOUT, STDERR}

    def write(self, fd: int, data: bytes) -> None:
        """Write `data` to fd 1 or 2, in pieces that a pipe takes at once."""
        view = memoryview(data)
        deadline = time.monotonic() + self._patience
        while view and fd not in self._shut:
            if not self._writable(fd):
                if time.monotonic() > deadline:
                    self._shut.add(fd)
                continue
            try:
                view = view[os.write(fd, view[:CHUNK]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                self._shut.add(fd)
                if fd == STDOUT:
                    self._on_failure(error)
            deadline = time.monotonic() + self._patience

    def _writable(self, fd: int) -> bool:
        poller = select.poll()
        poller.register(fd, select.POLLOUT)
        return bool(poller.poll(_POLL_MS))


def run_streaming(job: Callable[[Sink], Coroutine[Any, Any, ResultT]], *, labelled: bool, patience: float) -> ResultT:
    """Run `job` with a sink for its output, to its end.

    SIGINT, SIGTERM, SIGHUP and a closed stdout cancel it; when it has cleaned up, SystemExit with 128 + the signal's
    number, or EraError when stdout could not be written. A second signal does not disturb the cleaning.
    """
    return asyncio.run(_cancellable(job, labelled, patience))


async def _cancellable(job: Callable[[Sink], Coroutine[Any, Any, ResultT]], labelled: bool, patience: float) -> ResultT:
    loop = asyncio.get_running_loop()
    reasons: list[BaseException] = []

    def cancel(reason: BaseException) -> None:
        outlet.stop()
        if not reasons:
            reasons.append(reason)
            loop.call_soon_threadsafe(task.cancel)

    def handle(number: int, frame: FrameType | None) -> None:
        cancel(SystemExit(128 + number))

    outlet = Outlet(patience, lambda error: cancel(unwritable(error)))
    sink: Sink = LabelledSink(outlet.write) if labelled else RawSink(outlet.write)
    task = asyncio.ensure_future(job(sink))
    before = {number: signal.getsignal(number) for number in ENDING_SIGNALS}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, handle)
        result = await task
    except asyncio.CancelledError:
        raise reasons[0] from None
    finally:
        sink.finish()
        for number, handler in before.items():
            signal.signal(number, handler)
    if reasons:
        raise reasons[0]
    return result
