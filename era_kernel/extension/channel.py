"""What a VM or a command gives, brought from its thread to IPython's, where it is shown in the running cell."""

from __future__ import annotations

import contextlib
import queue
import sys
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

SECONDS = 0.1
Show = Callable[[], None]


class Channel:
    """A queue of things to show. `put()` from any thread; `show_until()` on IPython's own."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Show] = queue.SimpleQueue()

    def put(self, show: Show) -> None:
        self._queue.put(show)

    def show_until(self, job: Future[Any], interrupt: Callable[[], None]) -> None:
        """Show what comes until the job is done; Ctrl-C calls `interrupt` and waits on for the job's own end."""
        while True:
            try:
                while not job.done() or not self._queue.empty():
                    self._show_next()
            except KeyboardInterrupt:  # wherever it struck
                interrupt()
            else:
                return

    def _show_next(self) -> None:
        with contextlib.suppress(queue.Empty):
            self._queue.get(timeout=SECONDS)()


def write(name: str, text: str) -> None:
    """Text on IPython's stdout or stderr."""
    stream = sys.stdout if name == "stdout" else sys.stderr
    stream.write(text)
    stream.flush()


def display(data: dict[str, Any], metadata: dict[str, Any]) -> None:
    import IPython.display

    show: Any = IPython.display.publish_display_data  # it has no types
    show(data, metadata)
