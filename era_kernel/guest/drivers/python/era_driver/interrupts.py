"""SIGINT stops a cell, and nothing but a cell."""

import contextlib
import signal

_armed = False


def _handle(number, frame):
    if _armed:
        raise KeyboardInterrupt


def install():
    """From now on SIGINT does nothing outside `interruptible()`."""
    signal.signal(signal.SIGINT, _handle)


@contextlib.contextmanager
def interruptible():
    """Within this, SIGINT raises KeyboardInterrupt; a last one may still be raised while it is left."""
    global _armed
    _armed = True
    try:
        yield
    finally:
        _armed = False


def user_handler_gone():
    """A cell may have set a handler of its own: it holds for that cell only."""
    if signal.getsignal(signal.SIGINT) is not _handle:
        install()
