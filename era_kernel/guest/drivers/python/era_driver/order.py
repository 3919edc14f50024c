"""What a cell prints and shows, in the order in which it does so.

The agent reads stdout, stderr and messages from a pipe each. What was printed before a message it sends before that,
and knows no other order. So whoever turns to another of the three waits until the agent has read what is in the last.
"""

from fcntl import ioctl
from sys import byteorder
from time import monotonic, sleep

_FIONREAD = 0x541B  # Linux's; importing termios takes longer
_LIMIT = 0.2  # seconds: a host that reads so slowly is not waited for
_PAUSE = 0.00005
_FREE, _SHARE = 1.0, 0.2  # a cell waits for so many seconds, and for this share of its time
_last = None
_since = _spent = 0.0


def cell_begins():
    global _since, _spent
    _since, _spent = monotonic(), 0.0


def wrote(fd):
    """A message, which need not wait for what was printed."""
    global _last
    _last = fd


def turn_to(fd):
    """Called before something is printed."""
    global _last, _spent
    last, _last = _last, fd
    if last is None or last == fd:
        return
    start = now = monotonic()
    if _spent > _FREE + _SHARE * (start - _since):
        return
    while _holds(last) and now - start < _LIMIT:
        sleep(_PAUSE)
        now = monotonic()
    _spent += now - start


def _holds(fd):
    """The bytes in a pipe; 0 where the cell has put something else in its place."""
    try:
        return int.from_bytes(ioctl(fd, _FIONREAD, bytes(4)), byteorder)
    except OSError:
        return 0
