"""Payloads of the agent's frames: what we write, and what a hostile guest may not make us read."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from era_kernel.errors import ProtocolError, UsageError
from era_kernel.protocol import agent
from era_kernel.protocol.agent import ExitKind, ProcessExit


def test_spawn_holds_its_strings_in_order() -> None:
    payload = agent.encode_spawn(["ls", "-l"], {"A": "1"}, "/root", agent.SpawnFlags.PTY, 24, 80)
    assert payload == struct.pack(">HHHHH", 1, 24, 80, 2, 1) + b"/root\0ls\0-l\0A=1\0"


def test_a_command_with_a_nul_is_refused() -> None:
    with pytest.raises(UsageError, match="NUL"):
        agent.encode_spawn(["a\0b"], {}, "/")


def test_a_command_longer_than_a_frame_is_refused() -> None:
    with pytest.raises(UsageError, match="1 MiB"):
        agent.encode_spawn(["x" * (1 << 20)], {}, "/")


def test_exit_gives_a_shells_status() -> None:
    assert ProcessExit(ExitKind.EXITED, 3).status == 3
    assert ProcessExit(ExitKind.SIGNALED, 9).status == 137
    assert ProcessExit(ExitKind.FAILED, 2).status == 127
    assert ProcessExit(ExitKind.FAILED, 13).status == 126


def test_exit_as_the_agent_writes_it() -> None:
    payload = struct.pack(">BIQQQB", 1, 9, 10, 20, 30, 1)
    assert agent.parse_exit(payload) == ProcessExit(ExitKind.SIGNALED, 9, 10, 20, 30, oom=True)


@pytest.mark.parametrize("payload", [b"", b"\0" * 29, b"\x03" + b"\0" * 29, b"\0\0\0\x01\0" + b"\0" * 25])
def test_an_exit_that_is_none_is_refused(payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        agent.parse_exit(payload)


def test_resumed_must_answer_this_resume() -> None:
    nonce = b"n" * 16
    assert agent.parse_resumed(nonce + b"\0\0\0\x05", nonce) == (agent.ResumeErrors.CLOCK | agent.ResumeErrors.HOSTNAME)
    with pytest.raises(ProtocolError):
        agent.parse_resumed(b"m" * 16 + b"\0\0\0\0", nonce)


@given(st.binary(max_size=2000))
def test_any_bytes_parse_or_are_refused(payload: bytes) -> None:
    for parse in (agent.parse_hello, agent.parse_exit, agent.parse_stats, agent.parse_window, agent.parse_error):
        with contextlib.suppress(ProtocolError):
            parse(payload)


def test_resume_ends_with_its_flags() -> None:
    resume = agent.Resume(1, b"n" * 16, b"m" * 16, "name", b"e" * 64)
    assert agent.encode_resume(resume)[-65:] == b"e" * 64 + b"\0"
    template = agent.Resume(1, b"n" * 16, b"m" * 16, "name", b"e" * 64, agent.ResumeFlags.TEMPLATE)
    assert agent.encode_resume(template) == agent.encode_resume(resume)[:-1] + b"\1"


def test_every_error_of_resume_is_known() -> None:
    assert agent.parse_resumed(b"n" * 16 + b"\0\0\0\x10", b"n" * 16) is agent.ResumeErrors.PERSIST
    assert agent.parse_resumed(b"n" * 16 + b"\xff\xff\xff\xff", b"n" * 16) == ~agent.ResumeErrors(0)


def test_the_answers_to_warm_and_park_are_just_those() -> None:
    assert agent.parse_warmed(b"\1")
    assert not agent.parse_warmed(b"\0")
    agent.parse_parked(b"")
    for payload in (b"", b"\2", b"\0\0"):
        with pytest.raises(ProtocolError):
            agent.parse_warmed(payload)
    with pytest.raises(ProtocolError):
        agent.parse_parked(b"x")
