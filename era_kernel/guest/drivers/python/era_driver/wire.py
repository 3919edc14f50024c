"""Messages on two pipes: `u32 length (big-endian) · UTF-8 JSON object`."""

import codecs
import os
from _json import encode_basestring, make_encoder, make_scanner  # json itself imports re: 5 ms
from _thread import allocate_lock
from select import select

from era_driver import order
from era_driver.interrupts import held

MAX_MESSAGE = 64 << 20
_PIECE = 64 * 1024
_IN = 100
_OUT = 101
_EXIT_HOST_GONE = 74


class WireError(Exception):
    """The host sent what is no message."""


class WireClosed(Exception):
    """The host has closed its end."""


class _Decoding:
    strict = False
    object_hook = object_pairs_hook = None
    parse_float = parse_constant = float
    parse_int = int
    memo = {}  # noqa: RUF012


def _refuse(value):
    raise TypeError(f"a {type(value).__name__} is no JSON")


def _escaped(error):
    """Lone surrogates, which UTF-8 has no room for, as the text that their repr shows."""
    return "".join(f"\\\\u{ord(char):04x}" for char in error.object[error.start : error.end]), error.end


codecs.register_error("era_json", _escaped)
_scan = make_scanner(_Decoding)
_encode = make_encoder(None, _refuse, encode_basestring, None, ":", ",", False, False, False)


class Wire:
    """The driver's end of its two message pipes, moved to high fds that no program started by a cell inherits."""

    def __init__(self, incoming, outgoing):
        os.dup2(incoming, _IN, inheritable=False)
        os.dup2(outgoing, _OUT, inheritable=False)
        os.set_blocking(_OUT, False)
        os.close(incoming)
        os.close(outgoing)
        self.fileno = _IN
        self._bytes = bytearray()
        self._read = []
        self._lock = allocate_lock()
        self._unsent = []

    def close(self):
        """For a forked child: the pipes are its parent's."""
        os.close(_IN)
        os.close(_OUT)

    # ---- from the host

    def read(self):
        """The next message. WireClosed at the end of the stream, WireError for what is no message."""
        while not self._read:
            self._fill()
        return self._read.pop(0)

    def has_read(self):
        """Whether read() would return at once."""
        return bool(self._read)

    def wait_for(self, kind, request):
        """The next message of this kind and id; others stay for read(). Can be interrupted, with no byte lost."""
        while True:
            with held():
                for number, message in enumerate(self._read):
                    if message["type"] == kind and message["id"] == request:
                        return self._read.pop(number)
            select([_IN], [], [])
            with held():
                self._fill()

    def _fill(self):
        """Read once and keep the messages that are whole."""
        data = os.read(_IN, _PIECE)
        if not data:
            raise WireClosed
        buffer = self._bytes
        buffer += data
        while len(buffer) >= 4:
            length = int.from_bytes(buffer[:4], "big")
            if length > MAX_MESSAGE:
                raise WireError(f"the host announced a message of {length} bytes")
            if len(buffer) < 4 + length:
                return
            text = buffer[4 : 4 + length]
            del buffer[: 4 + length]
            self._read.append(_decoded(text))

    # ---- to the host

    def write(self, kind, request, content, more=False):
        """Send one message, whole whatever signal or thread comes in between; with `more`, together with the next one.

        ValueError, TypeError or RecursionError for a content that cannot be sent. Ends the process when the host is
        gone.
        """
        text = "".join(_encode({"type": kind, "id": request, "content": content}, 0)).encode("utf-8", "era_json")
        if len(text) > MAX_MESSAGE:
            raise ValueError(f"an output of {len(text) >> 20} MiB: at most {MAX_MESSAGE >> 20} can be shown")
        with held(), self._lock:
            self._unsent.append((len(text).to_bytes(4, "big") + text, []))
            if not more:
                self._send()

    def flush(self):
        """Send what write() kept back."""
        with held(), self._lock:
            self._send()

    def _send(self):
        """Send what is unsent. If a cell's signal handler raises meanwhile, the next call sends the rest.

        What a write gave is noted within one call of C code: between two a handler could run, and the count be lost.
        """
        order.wrote(_OUT)
        try:
            while self._unsent:
                data, sent = self._unsent[0]
                rest = memoryview(data)[sum(sent) :]
                if not rest:
                    del self._unsent[0]
                    continue
                try:
                    sent.extend(map(os.write, (_OUT,), (rest,)))
                except BlockingIOError:
                    select([], [_OUT], [])
        except BrokenPipeError:
            os._exit(_EXIT_HOST_GONE)


def _decoded(text):
    try:
        message, _ = _scan(text.decode(), 0)
        message["type"], message["id"], message["content"]
    except (StopIteration, ValueError, RecursionError, KeyError, TypeError) as error:
        raise WireError(f"the host sent a message that is none ({type(error).__name__})") from error
    return message
