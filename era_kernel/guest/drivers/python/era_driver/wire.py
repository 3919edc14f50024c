"""Messages on two pipes: `u32 length (big-endian) · UTF-8 JSON object`."""

import fcntl
import json
import os

MAX_MESSAGE = 64 << 20
_HIGH_FD = 100


class Wire:
    """The driver's end of its two message pipes, moved to high fds that no program started by a cell inherits."""

    def __init__(self, incoming, outgoing):
        self._in = _move(incoming)
        self._out = _move(outgoing)

    def read(self):
        """The next message, or None at the end of the stream. ValueError for a length out of bounds."""
        head = self._read_exactly(4)
        if head is None:
            return None
        length = int.from_bytes(head, "big")
        if length > MAX_MESSAGE:
            raise ValueError(f"a message of {length} bytes")
        text = self._read_exactly(length)
        return None if text is None else json.loads(text)

    def _read_exactly(self, size):
        pieces = []
        while size:
            piece = os.read(self._in, min(size, 1 << 20))
            if not piece:
                return None
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def write(self, kind, request, content):
        """Send one message, whole whatever signal comes in between."""
        text = json.dumps({"type": kind, "id": request, "content": content}, ensure_ascii=True).encode()
        view = memoryview(len(text).to_bytes(4, "big") + text)
        while view:
            view = view[os.write(self._out, view) :]


def _move(fd):
    high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH_FD)
    os.close(fd)
    return high
