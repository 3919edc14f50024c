"""stdout and stderr of cells: buffered for speed, pushed out soon after the first write, in the order of writing."""

import io
import os
import sys
from _signal import SIG_BLOCK, SIG_SETMASK, SIGINT, pthread_sigmask
from _thread import RLock, allocate_lock, get_ident, start_new_thread
from time import sleep

from era_driver import order

BUFFER = 8 * 1024
CHUNK = 256 * 1024
TICK = 0.012
_LEAVING = frozenset({"subprocess.Popen", "os.system", "os.posix_spawn", "os.exec"})

_lock = RLock()
_wake = allocate_lock()
_woken = False
_outputs = []
_foreign_code = False


class _Output:
    """A text stream whose first write after a flush comes here at once.

    While it is clean the stream's chunk is one character, so that its text goes on to write(); then the chunk is
    large, and print() stays in C until the chunk is full or the next flush. Stream, buffer and file are plain io
    objects, the hook is an attribute of the buffer: print() is a tenth slower on a subclass of any of them.
    """

    def __init__(self, fd, name):
        self._fd = fd
        raw = io.FileIO(fd, "wb", closefd=False)
        raw.name = name
        self.buffer = io.BufferedWriter(raw, BUFFER)
        self.stream = io.TextIOWrapper(self.buffer, "utf-8", "backslashreplace", newline="\n")
        self.stream._CHUNK_SIZE = 1
        self._write = self.buffer.write
        self.buffer.write = self.write
        self.other = None
        self.dirty = False
        self.flows = False
        self._flusher = 0

    def write(self, data):
        if not self.dirty and self._flusher != get_ident():
            self._soil()
        if len(data) > BUFFER:
            self.flows = True  # all that was written before has gone out, or goes now
        return self._write(data)

    def _soil(self):
        """Something is being written: what the other stream holds was written before it, and a flush is due."""
        self.dirty = True
        self.stream._CHUNK_SIZE = CHUNK
        if self.other.dirty:
            self.other.clean()
        order.turn_to(self._fd)
        _wake_flusher()

    def clean(self):
        """Push out what was written. A cell may have closed the stream, its reader may be gone: no matter."""
        with _lock:
            self.dirty = False
            try:
                self.stream._CHUNK_SIZE = 1
                self._flusher = get_ident()
                self.stream.flush()
            except TimeoutError:  # no pipe gives this: it is what a cell's alarm handler raised
                raise
            except (OSError, ValueError, RuntimeError):
                pass
            finally:
                self._flusher = 0


def install():
    """Replace sys.stdout and sys.stderr; start the thread that flushes them."""
    _wake.acquire()
    _open_streams()
    # What a program started by a cell prints must come after what the cell printed before.
    sys.addaudithook(_on_audit)
    os.register_at_fork(before=_fork_begins, after_in_parent=_lock.release, after_in_child=_in_child)
    _start_flusher()


def _start_flusher():
    """Taken by this thread, an interrupt would not wake the main one out of a wait, or too late to be the cell's; so
    it begins with interrupts blocked: a new thread has the mask of the one that starts it.
    """
    before = pthread_sigmask(SIG_BLOCK, (SIGINT,))
    try:
        start_new_thread(_flush_forever, ())
    finally:
        pthread_sigmask(SIG_SETMASK, before)


def _open_streams():
    before = [output.stream for output in _outputs] or [sys.stdout, sys.stderr]
    out, err = _outputs[:] = _Output(1, "<stdout>"), _Output(2, "<stderr>")
    out.other, err.other = err, out
    if sys.stdout is before[0]:
        sys.stdout = out.stream
    if sys.stderr is before[1]:
        sys.stderr = err.stream
    sys.__stdout__, sys.__stderr__ = out.stream, err.stream


def cell_begins():
    """A stream that an earlier cell closed is opened again."""
    order.cell_begins()
    if any(output.buffer.closed for output in _outputs):
        _open_streams()


def flush():
    """Push out all that was printed, that of C code included."""
    for output in _outputs:
        if output.dirty:
            output.clean()
    if _foreign_code or "ctypes" in sys.modules:
        from era_driver import libc

        libc.flush()


def _flush_forever():
    """Flush what is dirty for TICK seconds, or two while so much is printed that it goes out by itself."""
    global _woken
    while True:
        _wake.acquire()
        sleep(TICK)
        _woken = False
        for output in _outputs:
            if output.flows:
                output.flows = False
                _wake_flusher()
            elif output.dirty:
                output.clean()


def _wake_flusher():
    global _woken
    if not _woken:
        _woken = True
        try:
            _wake.release()
        except RuntimeError:
            pass  # another thread did it just now


# ---- programs and copies of this one that cells start


def _on_audit(event, arguments):
    global _foreign_code
    if event in _LEAVING:
        flush()
    elif event == "import" and arguments[1] and "/lib-dynload/" not in arguments[1]:
        _foreign_code = True  # an extension module that is not Python's own may print with C's stdio


def _fork_begins():
    flush()
    _lock.acquire()  # so that the flusher holds no lock of a stream


def _in_child():
    """A forked child has no flusher: it flushes each line."""
    _lock.release()
    for output in _outputs:
        if not output.buffer.closed:
            output.stream.reconfigure(line_buffering=True)
