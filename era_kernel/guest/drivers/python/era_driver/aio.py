"""The session's event loop: made when a cell first awaits, its tasks go on while the driver waits for requests.

Interrupts are led past asyncio's own code, for every loop that a cell runs: KeyboardInterrupt raised there loses what
the loop was about to run, and the task never goes on (1 in 20 interrupts of a busy loop).
"""

import asyncio
import os
import selectors
import signal

from era_driver import interrupts

_loop = None
_run_until_complete = asyncio.BaseEventLoop.run_until_complete
# asyncio, and what it waits with; the driver's own frames lie between it and the cell.
_OWN = (os.path.dirname(asyncio.__file__), selectors.__file__, os.path.dirname(__file__))


def run(coroutine):
    """The result of a cell's coroutine, on the session's loop."""
    global _loop
    if _loop is None or _loop.is_closed():
        _loop = asyncio.new_event_loop()
    asyncio.set_event_loop(_loop)  # asyncio.run() in a cell leaves none
    return _loop.run_until_complete(coroutine)


def run_tasks_until_readable(fd):
    """Let tasks that cells left run until there is something to read; an interrupt then ends what runs too long."""
    while _loop is not None and not _loop.is_closed() and asyncio.all_tasks(_loop):
        _loop.add_reader(fd, _loop.stop)
        try:
            with _Interrupts(_loop, lambda: None):
                interrupts.call(_loop.run_forever)
        except KeyboardInterrupt:
            continue
        else:
            return
        finally:
            _loop.remove_reader(fd)


def run_until_complete(self, future):
    """As asyncio's own. An interrupt cancels the future, so that `finally` clauses run, and is raised after that."""
    if not interrupts.on_main_thread() or asyncio._get_running_loop() is not None or self.is_closed():
        return _run_until_complete(self, future)
    future = asyncio.ensure_future(future, loop=self)
    interrupted = False

    def cancel():
        nonlocal interrupted
        interrupted = True
        future.cancel()

    with _Interrupts(self, cancel):
        try:
            return _run_until_complete(self, future)
        except KeyboardInterrupt:
            if not future.done():  # it was raised in another task
                cancel()
                _run_until_complete(self, asyncio.wait([future]))
            raise
        except asyncio.CancelledError as cancelled:
            if not interrupted:
                raise
            raise KeyboardInterrupt().with_traceback(_where(cancelled)) from None


_LIMITS = (asyncio.BaseEventLoop._run_once.__code__, run_until_complete.__code__)
asyncio.BaseEventLoop.run_until_complete = run_until_complete


def _where(cancelled):
    """The traceback that tells where the cell was; before Python 3.11 that of the first of a chain."""
    while isinstance(cancelled.__context__, asyncio.CancelledError):
        cancelled = cancelled.__context__
    return cancelled.__traceback__


class _Interrupts:
    """Within it an interrupt is raised in a task's or callback's own code; when none runs, `otherwise` is called."""

    def __init__(self, loop, otherwise):
        self._loop = loop
        self._otherwise = otherwise

    def __enter__(self):
        # The byte that C writes at a signal wakes a loop that is just about to wait.
        self._read, self._write = os.pipe()
        for fd in (self._read, self._write):
            os.set_blocking(fd, False)
        self._loop.add_reader(self._read, os.read, self._read, 4096)
        self._before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False), interrupts.divert
        interrupts.divert = self._divert

    def _divert(self, frame):
        while frame is not None and frame.f_code not in _LIMITS:
            if not frame.f_code.co_filename.startswith(_OWN):
                return False
            frame = frame.f_back
        self._otherwise()
        return True

    def __exit__(self, *error):
        wakeup, interrupts.divert = self._before
        signal.set_wakeup_fd(wakeup)
        if not self._loop.is_closed():
            self._loop.remove_reader(self._read)
        os.close(self._read)
        os.close(self._write)
