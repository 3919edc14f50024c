"""Frames: how the shim speaks with the agent in the guest, and its clients with the shim. Sans-IO.

`u32 length (of what follows) · u8 type · u32 stream · payload`, big-endian, length from 5 to 1 MiB. Binary, so that the
agent, which is C, parses no JSON. Stream 0 is the connection itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from era_kernel.errors import ProtocolError

PROTOCOL = 1
MAX_LENGTH = 1 << 20
MAX_DATA = 1 << 16
HEADER = struct.Struct(">IBI")
_TYPE_AND_STREAM = 5


class FrameType(IntEnum):
    """What a frame is. CONTROL goes between a shim and its clients only; all others are the agent's too."""

    HELLO = 1
    RESUME = 2
    SPAWN = 3
    DATA = 4
    CLOSE = 5
    WINDOW = 6
    SIGNAL = 7
    RESIZE = 8
    EXIT = 9
    STATS = 10
    ERROR = 11
    POWEROFF = 12
    PARK = 13
    WARM = 14
    CONTROL = 32


_TYPES = {int(kind): kind for kind in FrameType}


class Frame(NamedTuple):
    """One frame as read: `payload` is a copy of its own."""

    type: FrameType
    stream: int
    payload: bytes


def encode_frame(kind: FrameType, stream: int, payload: bytes = b"") -> bytes:
    """The bytes of one frame. The payload must fit, callers split data before."""
    length = _TYPE_AND_STREAM + len(payload)
    if length > MAX_LENGTH:
        raise ProtocolError(f"A frame of {length} bytes is too long to send")
    return HEADER.pack(length, kind, stream) + payload


class FrameReader:
    """Cuts a byte stream into frames.

    Never holds more than one frame beyond what was fed: a length out of bounds raises ProtocolError before anything of
    that length is kept.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def partial(self) -> bool:
        """Whether a frame was begun and not ended."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take bytes, give the frames that they complete. Raises ProtocolError on a bad length or an unknown type."""
        buffer = self._buffer
        buffer += data
        position = 0
        try:
            while len(buffer) - position >= HEADER.size:
                length, number, stream = HEADER.unpack_from(buffer, position)
                if not _TYPE_AND_STREAM <= length <= MAX_LENGTH:
                    raise ProtocolError(f"A frame says that it is {length} bytes long")
                end = position + 4 + length
                if end > len(buffer):
                    break
                kind = _TYPES.get(number)
                if kind is None:
                    raise ProtocolError(f"A frame has the unknown type {number}")
                payload = bytes(memoryview(buffer)[position + HEADER.size : end])
                position = end
                yield Frame(kind, stream, payload)
        finally:
            del buffer[:position]
