"""Frames survive any way of being cut into reads, and nothing that is none gets through."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from era_kernel.errors import ProtocolError
from era_kernel.protocol.frames import HEADER, MAX_LENGTH, Frame, FrameReader, FrameType, encode_frame

frames = st.builds(Frame, st.sampled_from(FrameType), st.integers(0, 2**32 - 1), st.binary(max_size=200))


@given(st.lists(frames, max_size=20), st.lists(st.integers(1, 50), min_size=1))
def test_frames_survive_any_cut(sent: list[Frame], cuts: list[int]) -> None:
    data = b"".join(encode_frame(*frame) for frame in sent)
    reader = FrameReader()
    received: list[Frame] = []
    position = turn = 0
    while position < len(data):
        size = cuts[turn % len(cuts)]
        received += reader.feed(data[position : position + size])
        position += size
        turn += 1
    assert received == sent
    assert not reader.partial


def test_the_largest_frame_fits() -> None:
    payload = b"x" * (MAX_LENGTH - 5)
    (frame,) = FrameReader().feed(encode_frame(FrameType.DATA, 7, payload))
    assert frame == (FrameType.DATA, 7, payload)


@pytest.mark.parametrize("length", [0, 4, MAX_LENGTH + 1, 2**32 - 1])
def test_a_length_out_of_bounds_is_refused_at_once(length: int) -> None:
    with pytest.raises(ProtocolError, match="bytes long"):
        list(FrameReader().feed(struct.pack(">IBI", length, FrameType.DATA, 1)))


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ProtocolError, match="unknown type 99"):
        list(FrameReader().feed(HEADER.pack(5, 99, 0)))


def test_a_frame_too_long_to_send_is_refused() -> None:
    with pytest.raises(ProtocolError, match="too long"):
        encode_frame(FrameType.SPAWN, 1, b"x" * MAX_LENGTH)


def test_frames_before_a_broken_one_are_given() -> None:
    frames = FrameReader().feed(encode_frame(FrameType.STATS, 0) + b"\xff" * 9)
    assert next(frames) == Frame(FrameType.STATS, 0, b"")
    with pytest.raises(ProtocolError):
        next(frames)
