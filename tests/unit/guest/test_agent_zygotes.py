"""Streams that wait for a spare; and that nobody's misbehaviour on a zygote's sockets costs more than the warmth."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.unit.guest import agent_peer as wire
from tests.unit.guest.agent_peer import AgentPeer
from tests.unit.guest.zygotes import EXEC_A_JOB, IDLE, WARM_DRIVER, children, start_zygote

# ---- streams that wait


def test_a_stream_waits_for_the_first_spare_and_loses_no_input(peer: AgentPeer) -> None:
    script = f"\ntime.sleep(0.4)\nif child():{EXEC_A_JOB}    os.execvp('cat', ['cat'])\n{IDLE}"
    start_zygote(peer, script, expected=None)
    stream = peer.spawn(["cat"], flags=wire.SPARE)
    peer.write(stream, b"early " * 1000)
    peer.close(stream, 0)
    assert peer.finish(stream).out == b"spare cat\n" + b"early " * 1000
    assert peer.expect(wire.WARM)[2] == b"\1"


@pytest.mark.parametrize("scope", [wire.GROUP, wire.PROCESS, wire.ALL])
def test_a_signal_ends_a_stream_that_waits(peer: AgentPeer, scope: int) -> None:
    start_zygote(peer, IDLE, expected=None)
    stream = peer.spawn(["sleep", "60"], flags=WARM_DRIVER)
    peer.write(stream, b"x" * 1000)
    peer.signal(stream, signal.SIGTERM, scope)
    log = peer.finish(stream, (1, 2, 4), 3)
    assert log.exit == wire.Exit(wire.KILLED, signal.SIGTERM, 0, 0, 0, 0)


def test_a_stream_waits_no_longer_than_the_zygote_lives(peer: AgentPeer) -> None:
    start_zygote(peer, "time.sleep(0.3)", expected=None)
    stream = peer.spawn(["echo", "executed"], flags=wire.SPARE)
    assert peer.finish(stream, timeout=3).out == b"executed\n"
    assert peer.expect(wire.WARM)[2] == b"\0"


@pytest.mark.slow
def test_a_stream_waits_no_longer_than_5_s(peer: AgentPeer) -> None:
    start_zygote(peer, IDLE, expected=None)
    start = time.monotonic()
    stream = peer.spawn(["echo", "executed"], flags=wire.SPARE)
    assert peer.finish(stream).out == b"executed\n"
    assert 4.5 < time.monotonic() - start < 8


def test_the_outputs_of_a_stream_that_waits_can_be_closed(peer: AgentPeer) -> None:
    start_zygote(peer, "time.sleep(0.4)", expected=None)
    stream = peer.spawn(["sh", "-c", "exit 3"], flags=wire.SPARE)
    for fd in (0, 1, 2):
        peer.close(stream, fd)
    log = peer.streams[stream]
    peer.until(lambda: log.exit is not None)
    assert log.exit is not None
    assert log.exit.value == 3


def test_a_terminal_is_never_a_spare_s(peer: AgentPeer) -> None:
    start_zygote(peer, IDLE, expected=None)
    stream = peer.spawn(["tty"], flags=wire.SPARE | wire.PTY)
    assert b"/dev/pts/" in peer.finish(stream, (1,), 3).out


def test_a_job_too_long_for_a_packet_is_executed(peer: AgentPeer) -> None:
    start_zygote(peer, f"\nif child():{EXEC_A_JOB}    os._exit(0)\n{IDLE}")
    stream = peer.spawn(["/bin/sh", "-c", "echo $#", "sh", *["x" * 100_000] * 8], flags=wire.SPARE)
    assert peer.finish(stream).out == b"8\n"


# ---- zygotes that do not do as they should


@pytest.mark.parametrize(
    "script",
    [
        "",
        "os._exit(3)",
        "os.kill(os.getpid(), 9)",
        f"host.close(){IDLE}",
        f"announce(){IDLE}",
        f"announce(text=b'\\2'){IDLE}",
        f"announce(text=b'x' * 100_000){IDLE}",
        f"announce(fd(pair()[0]), text=b''){IDLE}",
        f"announce(fd(pair()[0]), text=b'\\1\\1'){IDLE}",
        f"announce(0, 1, 2){IDLE}",
        f"announce(*map(fd, pair())){IDLE}",
        f"announce(*[0] * 200){IDLE}",
        f"announce(os.open('/dev/zero', 0)){IDLE}",
        f"announce(os.pipe()[1]){IDLE}",
        f"announce(socket.socketfd(pair()[0])){IDLE}",
        f"announce(fd(socket.socket(socket.AF_INET))){IDLE}",
    ],
)
def test_what_is_no_zygote_is_given_up_at_once(peer: AgentPeer, script: str) -> None:
    before = len(os.listdir(f"/proc/{peer.process.pid}/fd"))
    start_zygote(peer, script, expected=0)
    assert peer.finish(peer.spawn(["echo", "executed"], flags=wire.SPARE)).out == b"executed\n"
    peer.until(lambda: not children(peer))
    peer.until(lambda: len(os.listdir(f"/proc/{peer.process.pid}/fd")) == before)


def test_a_program_that_is_not_there_is_no_zygote(peer: AgentPeer) -> None:
    peer.send(wire.WARM, 0, wire.spawn_payload(["/nonexistent/zygote"]))
    assert peer.expect(wire.WARM)[2] == b"\0"


@pytest.mark.parametrize("pid", ["os.getpid()", "1", "os.getppid()"])
def test_a_process_that_is_no_child_or_the_zygote_itself_is_no_spare(peer: AgentPeer, pid: str) -> None:
    forged = f"[(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, __import__('struct').pack('3i', {pid}, 0, 0))]"
    rights = "[(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [fd(pair()[0])]))]"
    start_zygote(peer, f"\nhost.sendmsg([b'\\1'], {rights} + {forged})\ntime.sleep(0.3)", expected=0)


def test_a_stream_s_own_process_is_no_spare(peer: AgentPeer) -> None:
    log = peer.streams[victim := peer.spawn(["/bin/sh", "-c", "echo $$; read line; echo fine"])]
    peer.until(lambda: log.out.endswith(b"\n"))
    forged = f"[(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, __import__('struct').pack('3i', {int(log.out)}, 0, 0))]"
    rights = "[(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [fd(pair()[0])]))]"
    start_zygote(peer, f"\nhost.sendmsg([b'\\1'], {rights} + {forged})\ntime.sleep(0.3)", expected=0)
    peer.write(victim, b"\n")
    assert peer.finish(victim).out.endswith(b"fine\n")


def test_announcements_without_end_delay_nobody_and_hold_no_fd(peer: AgentPeer) -> None:
    flood = "\nsignal.alarm(20)\nwhile True:\n    a, b = pair(); announce(a.fileno()); a.close(); b.close()"
    start_zygote(peer, flood, expected=None)
    peer.quiet(0.3)
    assert peer.sh("echo fine").out == b"fine\n"
    assert len(os.listdir(f"/proc/{peer.process.pid}/fd")) < 30
    log = peer.finish(peer.spawn(["echo", "executed"], flags=wire.SPARE))
    assert log.out == b"executed\n"


def test_spares_that_leave_their_sockets_and_live_on_are_passed_over(peer: AgentPeer) -> None:
    script = (
        "\nif child():\n    a, b = pair(); b.close(); announce(a.fileno()); a.close(); time.sleep(20); os._exit(0)\n"
    )
    start_zygote(peer, f"{script}{script}if child():{EXEC_A_JOB}    os._exit(0)\n{IDLE}")
    assert peer.finish(peer.spawn(["x"], flags=wire.SPARE)).out == b"spare x\n"


def test_a_full_socket_of_a_spare_is_no_wait(peer: AgentPeer) -> None:
    script = """
if child():
    a, b = pair(); a.setblocking(False)
    try:
        while True: a.send(b'x' * 1000)
    except BlockingIOError: pass
    a.setblocking(True); announce(a.fileno()); time.sleep(20); os._exit(0)
"""
    start_zygote(peer, script + IDLE)
    start = time.monotonic()
    assert peer.finish(peer.spawn(["echo", "executed"], flags=wire.SPARE)).out == b"executed\n"
    assert time.monotonic() - start < 2
