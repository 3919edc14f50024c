"""Driver messages: validated, bounded, and never more than what they say they are."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from era_kernel.errors import ProtocolError
from era_kernel.protocol import driver


def message(value: object) -> bytes:
    text = json.dumps(value).encode()
    return struct.pack(">I", len(text)) + text


def test_messages_survive_being_cut() -> None:
    data = message({"type": "ready", "id": "", "content": {"language_version": "3.11"}}) + message(
        {"type": "execute_reply", "id": "ab", "content": {"status": "ok", "user_expressions": {}}}
    )
    reader = driver.MessageReader()
    got = [each for byte in data for each in reader.feed(bytes([byte]))]
    assert [type(each) for each in got] == [driver.Ready, driver.ExecuteReply]


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"type": "unheard_of", "id": "", "content": {}},
        {"type": "error", "id": "a", "content": {"ename": 1, "evalue": "", "traceback": []}},
        {"type": "execute_reply", "id": "a", "content": {"status": "fine"}},
        {"type": "display_data", "content": {"data": {}}},
    ],
)
def test_what_is_no_message_is_refused(value: object) -> None:
    with pytest.raises(ProtocolError):
        list(driver.MessageReader().feed(message(value)))


@pytest.mark.parametrize("text", ["\ud800", "x\udc00\ud83dy", "é😀"])
def test_half_a_surrogate_pair_is_sent_as_a_character(text: str) -> None:
    data = driver.encode_request("complete_request", "ab", {"code": text, "cursor_pos": 1})
    assert struct.unpack(">I", data[:4]) == (len(data) - 4,)
    sent = json.loads(data[4:].decode())["content"]["code"]
    assert sent == "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in text)


def test_a_length_out_of_bounds_is_refused_before_anything_is_kept() -> None:
    with pytest.raises(ProtocolError, match="announces"):
        list(driver.MessageReader().feed(struct.pack(">I", driver.MAX_MESSAGE + 1)))


def test_deep_nesting_is_refused() -> None:
    text = b'{"type":"display_data","id":"a","content":{"data":{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}}}"
    with pytest.raises(ProtocolError):
        list(driver.MessageReader().feed(struct.pack(">I", len(text)) + text))


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_wait_for_more(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(driver.MessageReader().feed(struct.pack(">I", len(text)) + text))


def test_a_request_as_the_driver_reads_it() -> None:
    data = driver.encode_request("complete_request", "0a", {"code": "é", "cursor_pos": 1})
    (length,) = struct.unpack(">I", data[:4])
    assert length == len(data) - 4
    assert json.loads(data[4:]) == {"type": "complete_request", "id": "0a", "content": {"code": "é", "cursor_pos": 1}}
