"""stdout and stderr of cells: buffered for speed, flushed by a timer so that output arrives while a cell runs."""

import io
import sys
import threading

BUFFER = 64 * 1024
CHUNK = 32 * 1024
TICK = 0.015
_LEAVING = frozenset(
    {"subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork", "os.forkpty", "pty.spawn"}
)


class _Stderr(io.TextIOWrapper):
    """Complaints come at once, after what was printed before them."""

    def write(self, text):
        flush_quietly(sys.stdout)
        count = super().write(text)
        self.flush()
        return count


def install():
    """Replace sys.stdout and sys.stderr; start the thread that flushes them while a cell runs."""
    sys.stdout = _stream(1, "<stdout>", io.TextIOWrapper)
    sys.stderr = _stream(2, "<stderr>", _Stderr)
    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
    # What a program started by a cell prints must come after what the cell printed before.
    sys.addaudithook(_on_audit)
    threading.Thread(target=_tick, name="era-flush", daemon=True).start()


def _on_audit(event, args):
    if event in _LEAVING:
        flush()
    elif event == "ctypes.dlsym":
        flush_quietly(sys.stdout)


def _stream(fd, name, kind):
    raw = io.FileIO(fd, "wb", closefd=False)
    raw.name = name
    stream = kind(io.BufferedWriter(raw, BUFFER), "utf-8", "backslashreplace", newline="\n")
    if hasattr(stream, "_CHUNK_SIZE"):
        stream._CHUNK_SIZE = CHUNK
    return stream


def flush():
    """Push out all that was printed, that of C code included."""
    flush_quietly(sys.stdout)
    flush_quietly(sys.stderr)
    ctypes = sys.modules.get("ctypes")
    if ctypes is not None and hasattr(ctypes, "CDLL"):
        _flush_libc(ctypes)


_libc = None


def _flush_libc(ctypes):
    global _libc
    if _libc is None:
        try:
            _libc = (ctypes.CDLL(None).fflush,)
        except (OSError, AttributeError):
            _libc = ()
    for fflush in _libc:
        fflush(None)


def flush_quietly(stream):
    """A cell may have closed or replaced the stream."""
    try:
        stream.flush()
    except (OSError, ValueError, AttributeError, RuntimeError):
        pass


_running = threading.Event()
_busy = False
_OWN_THREADS = 2


def cell_begins():
    global _busy
    _busy = True
    _running.set()


def cell_ends():
    global _busy
    _busy = False


def _tick():
    """Flush every TICK seconds while a cell runs, or threads that one left; sleep without a wake-up otherwise."""
    pause = threading.Event()
    while True:
        _running.wait()
        pause.wait(TICK)
        flush_quietly(sys.stdout)
        if not _busy and threading.active_count() <= _OWN_THREADS:
            _running.clear()
            if _busy:  # a cell began just now
                _running.set()
