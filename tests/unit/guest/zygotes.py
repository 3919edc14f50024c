"""Zygotes for tests: the python driver's, and made-up ones that do just what a test wants."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from era_kernel.protocol import driver
from tests.unit.guest import agent_peer as wire
from tests.unit.guest.agent_peer import AgentPeer
from tests.unit.guest.driver_peer import DRIVER

PYTHON = sys.executable
WARM_DRIVER = wire.SPARE | wire.DRIVER
ENV = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "MARK": "of the job"}

ZYGOTE = """
import array, os, signal, socket, sys, time
host = socket.socket(fileno=3)
def child():
    '''Fork twice: True in a child of the agent.'''
    r, w = os.pipe()
    if pid := os.fork():
        os.close(r); os.waitpid(pid, 0); os.close(w)
        return False
    os.close(w)
    if os.fork(): os._exit(0)
    os.read(r, 1); os.setsid()
    return True
def announce(*fds, text=b'\\1'):
    host.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else [])
kept = []
def fd(held):
    kept.append(held)
    return held.fileno()
def pair():
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
"""
IDLE = "\nwhile True: time.sleep(60)"
"""How a zygote goes on that leaves its socket open."""
EXEC_A_JOB = """
    ours, theirs = pair(); announce(theirs.fileno()); theirs.close(); host.close()
    payload, fds, _, _ = socket.recv_fds(ours, 1 << 20, 6)
    for target, fd in zip((0, 1, 2), fds): os.dup2(fd, target)
    os.write(fds[-1], bytes(4)); os.close(fds[-1])
    print('spare', payload[10:].split(b'\\0')[1].decode(), flush=True)
"""


def start_zygote(peer: AgentPeer, script: str, expected: int | None = 1) -> None:
    peer.send(wire.WARM, 0, wire.spawn_payload([PYTHON, "-c", ZYGOTE + script], ENV))
    if expected is not None:
        assert peer.expect(wire.WARM) == (wire.WARM, 0, bytes([expected]))


def start_python(peer: AgentPeer) -> None:
    peer.send(wire.WARM, 0, wire.spawn_payload([PYTHON, "-I", DRIVER.as_posix(), "--warm"], ENV))
    assert peer.expect(wire.WARM) == (wire.WARM, 0, b"\1")


def session(peer: AgentPeer, flags: int = WARM_DRIVER, cwd: str = "/tmp") -> int:
    return peer.spawn([PYTHON, "-I", DRIVER.as_posix()], ENV, cwd, flags)


def wait_ready(peer: AgentPeer, stream: int) -> None:
    peer.until(lambda: b'"ready"' in peer.streams[stream].data[4], what="ready")


def value(peer: AgentPeer, stream: int, code: str) -> str:
    """text/plain of what a cell gives."""
    log = peer.streams[stream]
    log.data[4].clear()
    content = {"code": code, "silent": False, "user_expressions": {}, "allow_stdin": False, "execution_count": 1}
    peer.write(stream, driver.encode_request("execute_request", "1" * 32, content), fd=3)
    peer.until(lambda: b'"execute_reply"' in log.data[4], what="a reply")
    results = [
        each for each in driver.MessageReader().feed(bytes(log.data[4])) if isinstance(each, driver.ExecuteResult)
    ]
    return str(msgspec.json.decode(results[0].content.data)["text/plain"])


def is_warm(peer: AgentPeer, stream: int) -> bool:
    return "--warm" in value(peer, stream, "open('/proc/self/cmdline').read()")


def children(peer: AgentPeer) -> list[int]:
    path = Path(f"/proc/{peer.process.pid}/task/{peer.process.pid}/children")
    return [int(pid) for pid in path.read_text().split()]


def zygote_and_spare(peer: AgentPeer) -> tuple[int, int]:
    """Before there are sessions; a spare is there a moment after it was announced."""
    zygote, spare = children(peer)
    return zygote, spare
