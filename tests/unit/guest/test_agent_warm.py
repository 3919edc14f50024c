"""WARM: sessions out of a zygote's spares; and that nobody's misbehaviour on its sockets costs more than the warmth."""

from __future__ import annotations

import os
import signal
import statistics
import struct
import sys
import time
from pathlib import Path

import msgspec
import pytest

from era_kernel.protocol import driver
from tests.unit.guest import agent_peer as wire
from tests.unit.guest.agent_peer import AgentPeer
from tests.unit.guest.driver_peer import DRIVER
from tests.unit.guest.test_agent_processes import alive, wait_gone

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


# ---- with the real driver


def test_a_spare_becomes_the_session(peer: AgentPeer) -> None:
    start_python(peer)
    spare = zygote_and_spare(peer)[1]
    stream = session(peer)
    wait_ready(peer, stream)
    found = value(peer, stream, "import os, sys; (os.getpid(), os.getcwd(), os.environ['MARK'], sys.orig_argv[1:])")
    assert " ".join(found.split()) == str((spare, "/tmp", "of the job", ["-I", str(DRIVER)]))
    peer.close(stream, 3)
    log = peer.finish(stream, (1, 2, 4))
    assert log.exit is not None
    assert (log.exit.kind, log.exit.value) == (wire.EXITED, 0)
    assert log.exit.max_rss > 1000
    assert not log.err


def test_many_at_once_are_all_served_and_all_differ(peer: AgentPeer) -> None:
    start_python(peer)
    streams = [session(peer) for _ in range(20)]
    for stream in streams:
        wait_ready(peer, stream)
    assert all(is_warm(peer, stream) for stream in streams)
    code = (
        "import random, uuid, tempfile; (random.random(), uuid.uuid4().hex[:12], next(tempfile._get_candidate_names()))"
    )
    for found in zip(*(value(peer, stream, code).strip("()").split(", ") for stream in streams), strict=True):
        assert len(set(found)) == 20, found


def test_signals_end_a_session_that_was_warm(peer: AgentPeer) -> None:
    start_python(peer)
    for scope in (wire.GROUP, wire.PROCESS, wire.ALL):
        peer.signal(stream := session(peer), signal.SIGKILL, scope)
        log = peer.finish(stream, (1, 2, 4))
        assert log.exit is not None
        assert (log.exit.kind, log.exit.value) == (wire.KILLED, signal.SIGKILL)


def test_a_folder_that_is_not_there_is_told_as_ever(peer: AgentPeer) -> None:
    start_python(peer)
    log = peer.finish(session(peer, cwd="/nonexistent"), (1, 2, 4))
    assert log.exit is not None
    assert (log.exit.kind, log.exit.value) == (wire.NOT_STARTED, 2)


def test_a_dead_spare_is_followed_by_another(peer: AgentPeer) -> None:
    start_python(peer)
    spare = zygote_and_spare(peer)[1]
    os.kill(spare, signal.SIGKILL)
    wait_gone(spare)
    stream = session(peer)
    wait_ready(peer, stream)
    assert is_warm(peer, stream)
    assert value(peer, stream, "import os; os.getpid()") != str(spare)


@pytest.mark.slow
def test_a_spare_that_does_not_answer_is_replaced(peer: AgentPeer) -> None:
    start_python(peer)
    spare = zygote_and_spare(peer)[1]
    os.kill(spare, signal.SIGSTOP)
    stream = session(peer)
    wait_ready(peer, stream)
    assert not alive(spare)


def test_a_signal_ends_a_stream_whose_spare_does_not_answer(peer: AgentPeer) -> None:
    start_python(peer)
    spare = zygote_and_spare(peer)[1]
    os.kill(spare, signal.SIGSTOP)
    stream = session(peer)
    peer.quiet(0.1)
    peer.signal(stream, signal.SIGINT)
    log = peer.finish(stream, (1, 2, 4), 3)
    assert log.exit is not None
    assert (log.exit.kind, log.exit.value) == (wire.KILLED, signal.SIGINT)
    wait_gone(spare)


def test_a_spare_that_dies_with_the_job_is_followed_by_another(peer: AgentPeer) -> None:
    start_python(peer)
    spare = zygote_and_spare(peer)[1]
    os.kill(spare, signal.SIGSTOP)
    stream = session(peer)
    peer.quiet(0.1)
    os.kill(spare, signal.SIGKILL)
    wait_ready(peer, stream)
    assert is_warm(peer, stream)


def test_without_its_zygote_a_session_is_executed(peer: AgentPeer) -> None:
    start_python(peer)
    zygote, spare = zygote_and_spare(peer)
    os.kill(zygote, signal.SIGKILL)
    wait_gone(zygote)
    wait_gone(spare)
    stream = session(peer)
    wait_ready(peer, stream)
    assert not is_warm(peer, stream)
    start_python(peer)
    again = session(peer)
    wait_ready(peer, again)
    assert is_warm(peer, again)


def test_without_any_zygote_a_session_is_executed(peer: AgentPeer) -> None:
    stream = session(peer)
    wait_ready(peer, stream)
    assert not is_warm(peer, stream)


def test_a_second_zygote_is_refused(peer: AgentPeer) -> None:
    start_python(peer)
    peer.send(wire.WARM, 0, wire.spawn_payload(["true"]))
    assert peer.expect(wire.ERROR)[2][:4] == b"\0\0\0\3"
    assert is_warm(peer, session(peer))


def test_zygote_and_spare_are_not_counted(peer: AgentPeer) -> None:
    def count() -> int:
        peer.send(wire.STATS)
        return int(struct.unpack(">QQIQQQI", peer.expect(wire.STATS)[2])[-1])

    # Other processes of this machine come and go: the lowest of some is taken.
    before = min(count() for _ in range(20))
    others = len([each for each in os.listdir("/proc") if each.isdigit()])
    start_python(peer)
    after = min(count() for _ in range(20))
    grown = len([each for each in os.listdir("/proc") if each.isdigit()]) - others
    assert after - before <= max(0, grown - 2) + 1


def test_the_end_of_the_agent_is_the_end_of_all(peer: AgentPeer) -> None:
    start_python(peer)
    pids = zygote_and_spare(peer)
    peer.process.kill()
    for pid in pids:
        wait_gone(pid)


def test_poweroff_ends_zygote_and_spare(peer: AgentPeer) -> None:
    start_python(peer)
    pids = zygote_and_spare(peer)
    peer.send(wire.POWEROFF)
    assert peer.wait_end() == 0
    assert not any(alive(pid) for pid in pids)


def test_a_spare_made_before_parking_is_used_after(peer: AgentPeer) -> None:
    start_python(peer)
    spare = zygote_and_spare(peer)[1]
    peer.send(wire.PARK)
    peer.expect(wire.PARK)
    peer.quiet(0.2)
    peer.send(wire.RESUME, 0, wire.resume_payload())
    peer.expect(wire.RESUME)
    stream = session(peer)
    wait_ready(peer, stream)
    assert value(peer, stream, "import os; os.getpid()") == str(spare)


def test_a_zygote_that_ends_while_parked_is_told_after_resume(peer: AgentPeer) -> None:
    start_zygote(peer, "time.sleep(0.3)", expected=None)
    peer.send(wire.PARK)
    peer.expect(wire.PARK)
    peer.quiet(1)
    assert not peer.control
    peer.send(wire.RESUME, 0, wire.resume_payload())
    peer.expect(wire.RESUME)
    assert peer.expect(wire.WARM)[2] == b"\0"


def test_how_much_sooner_a_session_is_there(peer: AgentPeer) -> None:
    """For the record; machines differ."""
    start_python(peer)
    found: dict[int, list[float]] = {wire.DRIVER: [], WARM_DRIVER: []}
    for _ in range(5):
        for flags, times in found.items():
            start = time.perf_counter()
            wait_ready(peer, session(peer, flags))
            times.append((time.perf_counter() - start) * 1000)
            peer.quiet(0.05)
    cold, warm = (statistics.median(times) for times in found.values())
    print(f"until ready: cold {cold:.1f} ms, warm {warm:.1f} ms")


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
