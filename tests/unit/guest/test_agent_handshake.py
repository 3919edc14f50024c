"""HELLO, RESUME, STATS and POWEROFF: what the agent says of itself, and that it serves nobody before it was resumed."""

from __future__ import annotations

import os
import socket
import struct
import time
from pathlib import Path

import pytest

from tests.unit.guest import agent_peer as wire
from tests.unit.guest.agent_peer import AgentPeer
from tests.unit.guest.conftest import StartAgent


def test_says_hello_unasked_and_when_asked(start_agent: StartAgent) -> None:
    peer = start_agent(greet=False)
    first = peer.expect(wire.HELLO)
    assert first[1] == 0
    assert struct.unpack_from(">I", first[2]) == (1,)
    assert first[2][20:].decode().count(".") == 2
    peer.send(wire.HELLO, 0, struct.pack(">I", 1))
    assert peer.expect(wire.HELLO) == first


def test_each_start_has_a_nonce_of_its_own(start_agent: StartAgent) -> None:
    nonces = {start_agent(greet=False).expect(wire.HELLO)[2][4:20] for _ in range(5)}
    assert len(nonces) == 5


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (wire.SPAWN, wire.spawn_payload(["true"])),
        (wire.DATA, b"\0x"),
        (wire.CLOSE, b"\0"),
        (wire.WINDOW, b"\1\0\0\0\1"),
        (wire.SIGNAL, b"\0\0\0\2\0"),
        (wire.RESIZE, b"\0\1\0\1"),
        (wire.STATS, b""),
    ],
)
def test_nothing_is_served_before_resume(start_agent: StartAgent, kind: int, payload: bytes) -> None:
    peer = start_agent(greet=False)
    peer.expect(wire.HELLO)
    peer.send(kind, 5, payload)
    refused = peer.expect(wire.ERROR)
    assert refused[1] == 5
    assert refused[2][:4] == b"\0\0\0\2"
    peer.send(wire.RESUME, 0, wire.resume_payload())
    peer.expect(wire.RESUME)
    assert peer.sh("echo up").out == b"up\n"


def test_resume_may_come_again_and_echoes_each_nonce(peer: AgentPeer) -> None:
    for nonce in (b"a" * 16, os.urandom(16)):
        peer.send(wire.RESUME, 0, wire.resume_payload(nonce=nonce, entropy=os.urandom(512)))
        assert peer.expect(wire.RESUME)[2] == nonce + b"\0\0\0\0"


def test_resume_leaves_a_machine_alone_that_is_not_ours(start_agent: StartAgent) -> None:
    before = (socket.gethostname(), Path("/etc/machine-id").exists(), Path("/etc/hostname").read_bytes())
    peer = start_agent(greet=False)
    peer.expect(wire.HELLO)
    payload = bytearray(wire.resume_payload(hostname=b"must-not-be"))
    payload[:8] = (10**18).to_bytes(8, "big")
    peer.send(wire.RESUME, 0, bytes(payload))
    assert peer.expect(wire.RESUME)[2][16:] == b"\0\0\0\0"
    assert (socket.gethostname(), Path("/etc/machine-id").exists(), Path("/etc/hostname").read_bytes()) == before
    assert time.time() > 1.1e9


def test_stats_are_those_of_the_machine(peer: AgentPeer) -> None:
    peer.send(wire.STATS)
    total, available, load, disk, free, uptime, processes = struct.unpack(">QQIQQQI", peer.expect(wire.STATS)[2])
    info = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    assert total == int(info["MemTotal"].split()[0])
    assert 0 < available < total
    assert 0 <= load < 100_000
    assert disk == os.statvfs("/").f_blocks * os.statvfs("/").f_frsize // 1024
    assert 0 <= free <= disk
    assert abs(uptime - time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000) < 5000
    assert 2 < processes < len([name for name in os.listdir("/proc") if name.isdigit()]) + 50


def test_poweroff_ends_the_children_and_exits_0(peer: AgentPeer) -> None:
    stream = peer.spawn(["/bin/sh", "-c", "echo $$; sleep 100 & wait"])
    log = peer.streams[stream]
    peer.until(lambda: log.out.endswith(b"\n"))
    peer.send(wire.POWEROFF)
    assert peer.wait_end() == 0
    assert not Path(f"/proc/{int(log.out)}").exists()


def test_poweroff_waits_for_who_ignores_it_no_longer_than_2_s(peer: AgentPeer) -> None:
    stream = peer.spawn(["/bin/sh", "-c", "trap '' TERM HUP; echo $$; while :; do sleep 1; done"])
    log = peer.streams[stream]
    peer.until(lambda: log.out.endswith(b"\n"))
    start = time.monotonic()
    peer.send(wire.POWEROFF)
    assert peer.wait_end() == 0
    assert 1.5 < time.monotonic() - start < 5
    assert not Path(f"/proc/{int(log.out)}").exists()


def test_poweroff_is_served_before_resume(start_agent: StartAgent) -> None:
    peer = start_agent(greet=False)
    peer.send(wire.POWEROFF)
    assert peer.wait_end() == 0


def test_the_end_of_the_hosts_stream_ends_agent_and_children(peer: AgentPeer) -> None:
    log = peer.streams[peer.spawn(["/bin/sh", "-c", "echo $$; exec sleep 100"])]
    peer.until(lambda: log.out.endswith(b"\n"))
    assert peer.process.stdin is not None
    peer.process.stdin.close()
    assert peer.process.wait(10) == 0
    assert not Path(f"/proc/{int(log.out)}").exists()
