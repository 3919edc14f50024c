"""The session's event loop: made when a cell first awaits, its tasks go on while the driver waits for requests."""

import asyncio
import os
import selectors
import signal

from era_driver import interrupts

_loop = None
_RUN_ONCE = asyncio.BaseEventLoop._run_once.__code__
# asyncio, and what it waits with; `held` and its kind are the driver's.
_OWN = (os.path.dirname(asyncio.__file__), selectors.__file__, os.path.dirname(__file__))


def run(coroutine):
    """The result of a cell's coroutine. An interrupt cancels it, so that its `finally` clauses run."""
    global _loop
    if _loop is None or _loop.is_closed():
        _loop = asyncio.new_event_loop()
    asyncio.set_event_loop(_loop)  # asyncio.run() in a cell leaves none
    task = _loop.create_task(coroutine)
    interrupted = False

    def cancel():
        nonlocal interrupted
        interrupted = True
        task.cancel()

    with _Interrupts(cancel):
        try:
            return _loop.run_until_complete(task)
        except KeyboardInterrupt:
            if not task.done():  # it was raised in another task
                cancel()
                _loop.run_until_complete(asyncio.wait([task]))
            raise
        except asyncio.CancelledError as cancelled:
            if not interrupted:
                raise
            raise KeyboardInterrupt().with_traceback(_where(cancelled)) from None


def _where(cancelled):
    """The traceback that tells where the cell was; before Python 3.11 that of the first of a chain."""
    while isinstance(cancelled.__context__, asyncio.CancelledError):
        cancelled = cancelled.__context__
    return cancelled.__traceback__


def run_tasks_until_readable(fd):
    """Let tasks that cells left run until there is something to read; an interrupt then ends what runs too long."""
    while _loop is not None and not _loop.is_closed() and asyncio.all_tasks(_loop):
        _loop.add_reader(fd, _loop.stop)
        try:
            with _Interrupts(lambda: None):
                interrupts.call(_loop.run_forever)
        except KeyboardInterrupt:
            continue
        else:
            return
        finally:
            _loop.remove_reader(fd)


class _Interrupts:
    """Within it an interrupt is raised in a task's or callback's own code; when none runs, `otherwise` is called.

    KeyboardInterrupt raised in asyncio's code would lose what the loop was about to run: the task would never go on.
    """

    def __init__(self, otherwise):
        self._otherwise = otherwise

    def __enter__(self):
        # The byte that C writes at a signal wakes a loop that is just about to wait.
        self._read, self._write = os.pipe()
        for fd in (self._read, self._write):
            os.set_blocking(fd, False)
        _loop.add_reader(self._read, os.read, self._read, 4096)
        self._before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        interrupts.divert = self._divert

    def _divert(self, frame):
        while frame is not None and frame.f_code is not _RUN_ONCE:
            if not frame.f_code.co_filename.startswith(_OWN):
                return False
            frame = frame.f_back
        self._otherwise()
        return True

    def __exit__(self, *error):
        interrupts.divert = None
        signal.set_wakeup_fd(self._before)
        if not _loop.is_closed():
            _loop.remove_reader(self._read)
        os.close(self._read)
        os.close(self._write)
