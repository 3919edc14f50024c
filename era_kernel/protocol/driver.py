"""Driver messages: Jupyter message contents between a kernel and the language driver in the guest. Sans-IO.

`u32 length (big-endian, ≤ 64 MiB) · UTF-8 JSON object`. Every event and reply carries the random id of the request that
it belongs to. Whatever comes from the guest is validated here; a message that does not fit is a ProtocolError. Mime
bundles stay undecoded JSON (`Raw`): a guest can make one that takes 30 times its size in memory as objects, so whoever
shows it decodes only what it shows.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Raw

from era_kernel.errors import ProtocolError
from era_kernel.text import whole

MAX_MESSAGE = 64 << 20
_LENGTH = struct.Struct(">I")
EMPTY = Raw(b"{}")


class ReadyContent(msgspec.Struct, frozen=True):
    language_version: str
    driver: str = ""


class DisplayContent(msgspec.Struct, frozen=True):
    data: Raw
    metadata: Raw = EMPTY
    transient: Raw = EMPTY


class ResultContent(msgspec.Struct, frozen=True):
    data: Raw
    metadata: Raw = EMPTY


class ErrorContent(msgspec.Struct, frozen=True):
    ename: str
    evalue: str
    traceback: list[str]


class ClearContent(msgspec.Struct, frozen=True):
    wait: bool = False


class InputContent(msgspec.Struct, frozen=True):
    prompt: str
    password: bool = False


class ExecuteReplyContent(msgspec.Struct, frozen=True):
    status: Literal["ok", "error"]
    ename: str = ""
    evalue: str = ""
    traceback: list[str] = []
    user_expressions: Raw = EMPTY


class CompleteReplyContent(msgspec.Struct, frozen=True):
    matches: list[str]
    cursor_start: int
    cursor_end: int


class InspectReplyContent(msgspec.Struct, frozen=True):
    found: bool
    data: Raw = EMPTY
    metadata: Raw = EMPTY


class IsCompleteReplyContent(msgspec.Struct, frozen=True):
    status: Literal["complete", "incomplete", "invalid", "unknown"]
    indent: str = ""


class _Message(msgspec.Struct, frozen=True, tag_field="type"):
    """Common to all: `id` is that of the request, empty where there was none."""

    id: str


class Ready(_Message, frozen=True, tag="ready"):
    content: ReadyContent


class DisplayData(_Message, frozen=True, tag="display_data"):
    content: DisplayContent


class UpdateDisplayData(_Message, frozen=True, tag="update_display_data"):
    content: DisplayContent


class ExecuteResult(_Message, frozen=True, tag="execute_result"):
    content: ResultContent


class ErrorEvent(_Message, frozen=True, tag="error"):
    content: ErrorContent


class ClearOutput(_Message, frozen=True, tag="clear_output"):
    content: ClearContent


class InputRequest(_Message, frozen=True, tag="input_request"):
    content: InputContent


class ExecuteReply(_Message, frozen=True, tag="execute_reply"):
    content: ExecuteReplyContent


class CompleteReply(_Message, frozen=True, tag="complete_reply"):
    content: CompleteReplyContent


class InspectReply(_Message, frozen=True, tag="inspect_reply"):
    content: InspectReplyContent


class IsCompleteReply(_Message, frozen=True, tag="is_complete_reply"):
    content: IsCompleteReplyContent


Event = DisplayData | UpdateDisplayData | ExecuteResult | ErrorEvent | ClearOutput | InputRequest
Reply = ExecuteReply | CompleteReply | InspectReply | IsCompleteReply
DriverMessage = Ready | Event | Reply

_decoder: msgspec.json.Decoder[DriverMessage] = msgspec.json.Decoder(DriverMessage)


def encode_request(kind: str, request_id: str, content: dict[str, Any]) -> bytes:
    """One message to the driver, length and all; half a surrogate pair becomes U+FFFD."""
    message = {"type": kind, "id": request_id, "content": content}
    try:
        text = msgspec.json.encode(message)
    except UnicodeEncodeError:
        text = whole(json.dumps(message, ensure_ascii=False)).encode()
    return _LENGTH.pack(len(text)) + text


class MessageReader:
    """Cuts the bytes of the driver's fd 4 into validated messages; holds one message at most."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[DriverMessage]:
        """Take bytes, give the messages that they complete. Raises ProtocolError."""
        buffer = self._buffer
        buffer += data
        while len(buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer)
            if length > MAX_MESSAGE:
                raise ProtocolError(f"The driver announces a message of {length} bytes")
            end = _LENGTH.size + length
            if len(buffer) < end:
                return
            text = bytes(memoryview(buffer)[_LENGTH.size : end])
            del buffer[:end]
            try:
                yield _decoder.decode(text)
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
                raise ProtocolError(f"The driver sent a message that is none: {str(error)[:200]}") from error
