"""Streams of several VMs, cut anywhere."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from era_kernel.cli.stream import Outlet
from era_kernel.commands.sinks import MAX_LINE, LabelledSink


class Written(Outlet):
    """Keeps what would be written, a call at a time."""

    def __init__(self) -> None:
        super().__init__(1.0, lambda error: None)
        self.calls: list[tuple[int, bytes]] = []

    def write(self, fd: int, data: bytes) -> None:
        self.calls.append((fd, data))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]), st.sampled_from([1, 2]), st.sampled_from([b"x", b"\n", b"yy\nz", b"\n\n"])
        ),
        max_size=60,
    )
)
def test_each_line_comes_whole_behind_its_label_however_it_was_cut(pieces: list[tuple[str, int, bytes]]) -> None:
    written = Written()
    sink = LabelledSink(written.write)
    for vm_id, fd, data in pieces:
        sink.take(vm_id, fd, data)
    sink.finish()
    for vm_id in ("a", "b"):
        for fd in (1, 2):
            text = b"".join(data for owner, to, data in pieces if (owner, to) == (vm_id, fd))
            lines = text.split(b"\n") if text and not text.endswith(b"\n") else text.split(b"\n")[:-1]
            mine = b"".join(data for to, data in written.calls if to == fd and data.startswith(vm_id.encode()))
            assert mine == b"".join(f"{vm_id} | ".encode() + line + b"\n" for line in lines)


def test_a_line_without_an_end_does_not_fill_memory() -> None:
    written = Written()
    sink = LabelledSink(written.write)
    for _ in range(8):
        sink.take("a", 1, bytes(MAX_LINE // 2))
    assert sum(len(data) for _, data in written.calls) > 2 * MAX_LINE


def test_a_closed_stdout_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    monkeypatch.setattr("era_kernel.cli.stream.STDOUT", write_end)
    told: list[OSError] = []
    outlet = Outlet(5.0, told.append)
    outlet.write(write_end, b"gone")
    outlet.write(write_end, b"gone")
    os.close(write_end)
    assert [type(error) for error in told] == [BrokenPipeError]


def test_nothing_is_written_after_stop() -> None:
    read_end, write_end = os.pipe()
    outlet = Outlet(5.0, lambda error: None)
    outlet._shut.add(write_end)
    outlet.write(write_end, b"late")
    os.close(write_end)
    assert os.read(read_end, 10) == b""
    os.close(read_end)
