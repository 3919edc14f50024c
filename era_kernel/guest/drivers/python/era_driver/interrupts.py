"""SIGINT stops a cell, and nothing but a cell."""

import os
import sys
from _signal import SIGINT, getsignal, signal
from _thread import get_ident

_main = get_ident()
_armed = False
_held = False
_pending = False
divert = None  # what may take an interrupt that came at a frame, instead of KeyboardInterrupt: gives whether it did


def _handle(number, frame):
    global _pending
    if not _armed:
        return
    if _held:
        _pending = True
    elif divert is None or not divert(frame):
        raise KeyboardInterrupt


def install():
    """From now on SIGINT does nothing outside `call()`. A handler that a cell had set is gone."""
    if getsignal(SIGINT) is not _handle:
        signal(SIGINT, _handle)


def call(function, *arguments):
    """What the function gives. Until it ends, in whatever way, SIGINT raises KeyboardInterrupt."""
    global _armed, _pending
    _pending = False
    try:
        try:
            _armed = True
            return function(*arguments)
        finally:
            _armed = False
    except KeyboardInterrupt:
        _armed = False  # raised just before the line above
        raise


class held:
    """Within it a SIGINT waits, so that what must be whole is; used on the main thread, elsewhere it does nothing."""

    def __enter__(self):
        global _held
        if get_ident() == _main:
            _held = True

    def __exit__(self, *error):
        global _held, _pending
        if get_ident() == _main:
            _held = False
            if _pending:
                _pending = False
                _handle(SIGINT, sys._getframe())


def on_main_thread():
    return get_ident() == _main


def wrap_system():
    """os.system() waits with SIGINT ignored, so an interrupt that ended the program would be lost on the cell."""
    system = os.system

    def interruptible_system(command):
        status = system(command)
        if _armed and get_ident() == _main and (status & 0x7F == SIGINT or status >> 8 == 128 + SIGINT):
            raise KeyboardInterrupt
        return status

    interruptible_system.__name__ = interruptible_system.__qualname__ = "system"
    interruptible_system.__doc__ = system.__doc__
    os.system = interruptible_system
