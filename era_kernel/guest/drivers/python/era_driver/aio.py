"""The session's event loop: made when a cell first awaits, its tasks go on while the driver waits for requests."""

import asyncio

from era_driver import interrupts

_loop = None


def run(coroutine):
    """The result of a cell's coroutine. An interrupt cancels it, so that its `finally` clauses run."""
    global _loop
    if _loop is None or _loop.is_closed():
        _loop = asyncio.new_event_loop()
    asyncio.set_event_loop(_loop)  # asyncio.run() in a cell leaves none
    task = _loop.create_task(coroutine)
    try:
        return _loop.run_until_complete(task)
    except KeyboardInterrupt as interrupt:
        task.cancel()
        try:
            _loop.run_until_complete(task)
        except asyncio.CancelledError as cancelled:
            interrupt.__traceback__ = cancelled.__traceback__  # it tells where the cell was
        raise interrupt from None


def run_tasks_until_readable(fd):
    """Let tasks that cells left run until there is something to read; an interrupt then ends what runs too long."""
    while _loop is not None and not _loop.is_closed() and asyncio.all_tasks(_loop):
        _loop.add_reader(fd, _loop.stop)
        try:
            interrupts.call(_loop.run_forever)
        except KeyboardInterrupt:
            continue
        else:
            return
        finally:
            _loop.remove_reader(fd)
