"""QMP, QEMU's monitor protocol (QEMU's docs/interop/qmp-spec.rst), sans-IO: JSON objects, one a line.

The other end is a QEMU that its guest may have taken over: lines are bounded and typed, what is unknown is dropped.
"""

from __future__ import annotations

from typing import Any

import msgspec

from era_kernel.errors import ProtocolError

MAX_LINE = 1 << 18
"""Bytes. The longest answer asked for here, query-migrate's, is about 1 KiB."""


class QmpError(msgspec.Struct, frozen=True):
    desc: str


class QmpMessage(msgspec.Struct, frozen=True):
    """An answer (`return` or `error`, with the command's `id`), an event, or, with nothing of these, a greeting."""

    result: Any = msgspec.field(name="return", default=msgspec.UNSET)
    error: QmpError | None = None
    id: int | None = None
    event: str | None = None


_decoder = msgspec.json.Decoder(QmpMessage)


def encode_command(number: int, name: str, arguments: dict[str, Any]) -> bytes:
    """One command; its answer carries `number` as its id."""
    return msgspec.json.encode({"execute": name, "arguments": arguments, "id": number}) + b"\n"


class QmpReader:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[QmpMessage]:
        """The messages that are whole now. ProtocolError for a line that is too long or no message."""
        self._buffer += data
        *lines, rest = self._buffer.split(b"\n")
        if len(rest) > MAX_LINE or any(len(line) > MAX_LINE for line in lines):
            raise ProtocolError("The hypervisor's monitor said too much")
        self._buffer = bytearray(rest)
        return [_parse(bytes(line)) for line in lines if line.strip()]


def _parse(line: bytes) -> QmpMessage:
    try:
        return _decoder.decode(line)
    except msgspec.DecodeError as error:
        raise ProtocolError(f"The hypervisor's monitor said what is no message: {error}") from error
