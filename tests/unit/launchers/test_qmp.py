"""QMP as a QEMU speaks it, and as one speaks that its guest took over."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from era_kernel.errors import ProtocolError
from era_kernel.launchers.qmp import MAX_LINE, QmpReader, encode_command

GREETING = b'{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}\r\n'
EVENT = b'{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "STOP"}\r\n'


def test_a_command_is_one_line() -> None:
    line = encode_command(7, "migrate", {"uri": "fd:state"})
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"execute": "migrate", "arguments": {"uri": "fd:state"}, "id": 7}


def test_greeting_event_answer_and_error() -> None:
    answer = b'{"return": {"status": "completed"}, "id": 1}\r\n'
    error = b'{"id": 2, "error": {"class": "GenericError", "desc": "no"}}\r\n'
    messages = QmpReader().feed(GREETING + EVENT + answer + error)
    assert [message.id for message in messages] == [None, None, 1, 2]
    assert messages[1].event == "STOP"
    assert messages[2].result == {"status": "completed"}
    assert messages[3].error is not None
    assert messages[3].error.desc == "no"


@given(st.lists(st.integers(1, 80), max_size=20))
def test_however_the_bytes_come(cuts: list[int]) -> None:
    data = GREETING + EVENT + b'{"return": {}, "id": 1}\r\n'
    reader, messages, at = QmpReader(), 0, 0
    for cut in [*cuts, len(data)]:
        messages += len(reader.feed(data[at : at + cut]))
        at += cut
    assert messages == 3


@pytest.mark.parametrize(
    "line", [b"hello\n", b"[]\n", b'{"id": "x"}\n', b'{"error": 1}\n', b"\xff\n", b"[" * 5000 + b"\n"]
)
def test_what_is_no_message(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        QmpReader().feed(line)


def test_a_line_without_end_is_not_kept() -> None:
    reader = QmpReader()
    with pytest.raises(ProtocolError):
        for _ in range(3):
            reader.feed(b" " * (MAX_LINE // 2))
