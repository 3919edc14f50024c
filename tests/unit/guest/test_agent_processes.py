"""SPAWN, SIGNAL, RESIZE and EXIT: how processes start, what they find, and how their end is told."""

from __future__ import annotations

import os
import signal
import struct
import sys
import time
from pathlib import Path

import pytest

from tests.unit.guest import agent_peer as wire
from tests.unit.guest.agent_peer import AgentPeer

PYTHON = sys.executable


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_gone(pid: int) -> None:
    end = time.monotonic() + 5
    while alive(pid):
        assert time.monotonic() < end, f"process {pid} is still there"
        time.sleep(0.01)


def test_exit_status_output_and_error_output(peer: AgentPeer) -> None:
    log = peer.sh("echo out; echo err >&2; exit 3")
    assert (log.out, log.err) == (b"out\n", b"err\n")
    assert log.exit is not None
    assert (log.exit.kind, log.exit.value, log.exit.oom) == (wire.EXITED, 3, 0)


def test_exit_by_signal(peer: AgentPeer) -> None:
    log = peer.sh("kill -SEGV $$")
    assert log.exit is not None
    assert (log.exit.kind, log.exit.value) == (wire.KILLED, signal.SIGSEGV)


def test_exit_tells_time_and_memory(peer: AgentPeer) -> None:
    log = peer.run([PYTHON, "-c", "import time; b = b'x' * 50_000_000\nwhile time.process_time() < 0.3: pass"])
    assert log.exit is not None
    assert 200_000 < log.exit.user + log.exit.system < 10_000_000
    assert 50_000 < log.exit.max_rss < 1_000_000


@pytest.mark.parametrize(
    ("argv", "cwd", "errno"),
    [
        (["/nonexistent/program"], "/", 2),
        (["no-such-program"], "/", 2),
        (["/etc/passwd"], "/", 13),
        (["/"], "/", 13),
        (["true"], "/nonexistent", 2),
    ],
)
@pytest.mark.parametrize("flags", [0, wire.PTY, wire.DRIVER])
def test_what_cannot_start_ends_with_its_errno(
    peer: AgentPeer, argv: list[str], cwd: str, errno: int, flags: int
) -> None:
    stream = peer.spawn(argv, cwd=cwd, flags=flags)
    log = peer.finish(stream, {0: (1, 2), wire.PTY: (1,), wire.DRIVER: (1, 2, 4)}[flags])
    assert log.exit is not None
    assert (log.exit.kind, log.exit.value) == (wire.NOT_STARTED, errno)
    assert not log.out


def test_a_status_of_127_is_not_taken_for_a_failed_start(peer: AgentPeer) -> None:
    log = peer.sh("exit 127")
    assert log.exit is not None
    assert (log.exit.kind, log.exit.value) == (wire.EXITED, 127)


def test_arguments_environment_and_folder_are_just_those_given(peer: AgentPeer) -> None:
    script = "import os, sys; print(sys.argv[1:], dict(os.environ), os.getcwd())"
    env = {"A": "1", "B": "two words", "C": "", "LC_CTYPE": "C.UTF-8"}
    stream = peer.spawn([PYTHON, "-c", script, "", "ä €", "-x"], env, "/tmp")
    peer.close(stream, 0)
    assert peer.finish(stream).out.decode() == f"{['', 'ä €', '-x']} {env} /tmp\n"


def test_bytes_that_are_no_utf8_pass(peer: AgentPeer) -> None:
    assert peer.run([b"/bin/echo", b"\xff\xfe"]).out == b"\xff\xfe\n"


def test_programs_are_found_on_the_path_given(peer: AgentPeer, tmp_path: Path) -> None:
    program = tmp_path / "only-here"
    program.write_text("#!/bin/sh\necho found\n")
    program.chmod(0o755)
    assert peer.run(["only-here"], env={"PATH": str(tmp_path)}).out == b"found\n"


@pytest.mark.parametrize(("flags", "expected"), [(0, {"0", "1", "2"}), (wire.DRIVER, {"0", "1", "2", "3", "4"})])
def test_a_process_has_no_fd_beyond_its_own(peer: AgentPeer, flags: int, expected: set[str]) -> None:
    others = [peer.spawn(["sleep", "60"], flags=wire.DRIVER) for _ in range(3)]
    others.append(peer.spawn(["sleep", "60"], flags=wire.PTY))
    script = "import os\nfor fd in os.listdir('/proc/self/fd'):\n if os.path.exists('/proc/self/fd/' + fd): print(fd)"
    stream = peer.spawn([PYTHON, "-c", script], flags=flags)
    assert set(peer.finish(stream).out.decode().split()) == expected
    for other in others:
        peer.signal(other, signal.SIGKILL)


def test_a_process_leads_a_session_and_has_default_signals(peer: AgentPeer) -> None:
    script = (
        "import os, signal\n"
        "print(os.getsid(0) == os.getpgid(0) == os.getpid())\n"
        "print(signal.pthread_sigmask(signal.SIG_BLOCK, []))\n"
        "print([l.split()[1] for l in open('/proc/self/status') if l[:7] in ('SigIgn:', 'SigBlk:')])"
    )
    # Python itself ignores SIGPIPE (13) and SIGXFSZ (25): a shell tells what came from us.
    assert peer.sh("grep -E '^Sig(Ign|Blk)' /proc/self/status").out.split() == [
        b"SigBlk:", b"0" * 16, b"SigIgn:", b"0" * 16,
    ]  # fmt: skip
    assert peer.run([PYTHON, "-c", script]).out.startswith(b"True\nset()\n")


def test_signal_to_the_group_reaches_children(peer: AgentPeer) -> None:
    log = peer.streams[stream := peer.spawn(["/bin/sh", "-c", "sleep 100 & echo $!; wait"])]
    peer.until(lambda: log.out.endswith(b"\n"))
    peer.signal(stream, signal.SIGTERM, wire.GROUP)
    peer.finish(stream)
    assert log.exit is not None
    assert (log.exit.kind, log.exit.value) == (wire.KILLED, signal.SIGTERM)
    wait_gone(int(log.out))


def test_signal_to_the_process_spares_children(peer: AgentPeer) -> None:
    log = peer.streams[stream := peer.spawn(["/bin/sh", "-c", "sleep 100 & echo $!; wait"])]
    peer.until(lambda: log.out.endswith(b"\n"))
    peer.signal(stream, signal.SIGTERM, wire.PROCESS)
    peer.until(lambda: log.exit is not None)
    child = int(log.out)
    assert alive(child)
    peer.signal(stream, signal.SIGKILL, wire.ALL)
    peer.finish(stream)
    wait_gone(child)


def test_interrupt_is_served_by_a_handler(peer: AgentPeer) -> None:
    script = "trap 'echo got; exit 5' INT; echo up; while :; do sleep 0.05; done"
    log = peer.streams[stream := peer.spawn(["/bin/sh", "-c", script])]
    peer.until(lambda: log.out == b"up\n")
    peer.signal(stream, signal.SIGINT)
    peer.finish(stream)
    assert log.exit is not None
    assert (log.out, log.exit.value) == (b"up\ngot\n", 5)


@pytest.mark.parametrize("scope", [wire.GROUP, wire.PROCESS, wire.ALL])
def test_a_signal_right_behind_spawn_is_not_lost(peer: AgentPeer, scope: int) -> None:
    for _ in range(30):
        stream = peer.spawn(["sleep", "100"])
        peer.signal(stream, signal.SIGKILL, scope)
        assert peer.finish(stream).exit is not None


def test_signals_after_the_end_are_ignored(peer: AgentPeer) -> None:
    stream = peer.spawn(["true"])
    peer.finish(stream)
    for scope in (wire.GROUP, wire.PROCESS, wire.ALL):
        peer.signal(stream, signal.SIGKILL, scope)
    peer.ping()
    assert not peer.streams[stream].errors


def test_a_background_grandchild_holding_stdout_delays_only_the_close(peer: AgentPeer) -> None:
    stream = peer.spawn(["/bin/sh", "-c", "(sleep 0.5; echo late) & echo early"])
    log = peer.streams[stream]
    peer.until(lambda: log.exit is not None, 0.4, "EXIT while the grandchild lives")
    assert log.out == b"early\n"
    assert not log.closed
    assert peer.finish(stream).out == b"early\nlate\n"


def test_closing_the_outputs_lets_go_of_a_stream_that_a_grandchild_holds(peer: AgentPeer) -> None:
    for _ in range(70):  # more than the 64 streams that there can be
        log = peer.streams[stream := peer.spawn(["/bin/sh", "-c", "sleep 20 & echo $!"])]
        peer.until(lambda log=log: log.exit is not None and log.out.endswith(b"\n"))  # type: ignore[misc]
        peer.signal(stream, signal.SIGKILL, wire.ALL)
        peer.close(stream, 1)
        peer.close(stream, 2)
    assert not any(log.errors for log in peer.streams.values())


def test_all_that_was_written_comes_before_exit(peer: AgentPeer) -> None:
    for _ in range(5):
        log = peer.sh("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2")
        assert log.exit_at == {1: 300000, 2: 300000, 4: 0}


def test_exit_comes_although_nobody_gives_credit_when_nothing_is_left(peer: AgentPeer) -> None:
    stream = peer.spawn(["head", "-c", str(wire.INITIAL_CREDIT), "/dev/zero"], grant=False)
    assert len(peer.finish(stream).out) == wire.INITIAL_CREDIT


def test_the_65th_stream_is_refused_and_there_is_room_again_later(peer: AgentPeer) -> None:
    streams = [peer.spawn(["sleep", "100"]) for _ in range(64)]
    extra = peer.spawn(["true"])
    log = peer.streams[extra]
    peer.until(lambda: bool(log.errors))
    assert log.errors[0][0] == 4
    peer.write(extra, b"late data for it")
    for stream in streams:
        peer.signal(stream, signal.SIGKILL)
    for stream in streams:
        peer.finish(stream)
    assert peer.sh("echo again").out == b"again\n"
    assert len(log.errors) == 1


def test_a_stream_number_in_use_is_refused(peer: AgentPeer) -> None:
    stream = peer.spawn(["cat"])
    peer.send(wire.SPAWN, stream, wire.spawn_payload(["true"]))
    log = peer.streams[stream]
    peer.until(lambda: bool(log.errors))
    assert log.errors[0][0] == 3
    peer.write(stream, b"still here")
    peer.close(stream, 0)
    assert peer.finish(stream).out == b"still here"


@pytest.mark.parametrize("stream", [0, 7, 0xFFFFFFFF])
@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (wire.DATA, b"\0x"),
        (wire.CLOSE, b"\1"),
        (wire.WINDOW, b"\1\0\0\0\1"),
        (wire.SIGNAL, b"\0\0\0\2\0"),
        (wire.RESIZE, b"\0\1\0\1"),
    ],
)
def test_frames_for_a_stream_never_opened_are_refused(peer: AgentPeer, kind: int, payload: bytes, stream: int) -> None:
    peer.send(kind, stream, payload)
    refused = peer.expect(wire.ERROR)
    assert refused[1:] == (stream, refused[2])
    assert refused[2][:4] == b"\0\0\0\3"
    peer.ping()


def test_a_terminal_has_its_size_and_takes_another(peer: AgentPeer) -> None:
    script = "trap 'stty size; exit' WINCH; stty size; while :; do sleep 0.05; done"
    log = peer.streams[stream := peer.spawn(["/bin/sh", "-c", script], flags=wire.PTY, rows=30, cols=100)]
    peer.until(lambda: log.out == b"30 100\r\n")
    peer.send(wire.RESIZE, stream, struct.pack(">HH", 50, 132))
    assert peer.finish(stream, (1,)).out == b"30 100\r\n50 132\r\n"


def test_a_terminal_is_the_controlling_one_of_all_three_fds(peer: AgentPeer) -> None:
    script = "import os; open('/dev/tty'); print([os.isatty(fd) for fd in (0, 1, 2)], os.tcgetpgrp(0) == os.getpid())"
    stream = peer.spawn([PYTHON, "-c", script], flags=wire.PTY)
    assert peer.finish(stream, (1,)).out == b"[True, True, True] True\r\n"


def test_ctrl_c_typed_on_a_terminal_interrupts(peer: AgentPeer) -> None:
    log = peer.streams[stream := peer.spawn(["/bin/sh", "-c", "echo up; exec sleep 100"], flags=wire.PTY)]
    peer.until(lambda: b"up" in log.out)
    peer.write(stream, b"\x03")
    peer.finish(stream, (1,))
    assert log.exit is not None
    assert (log.exit.kind, log.exit.value) == (wire.KILLED, signal.SIGINT)


def test_closing_the_input_of_a_terminal_types_end_of_file(peer: AgentPeer) -> None:
    for _ in range(20):
        stream = peer.spawn(["cat"], flags=wire.PTY)
        peer.write(stream, b"line\n")
        peer.close(stream, 0)
        log = peer.finish(stream, (1,))
        assert log.out == b"line\r\nline\r\n"
        assert log.exit is not None
        assert log.exit.kind == wire.EXITED


def test_closing_the_output_of_a_terminal_hangs_up(peer: AgentPeer) -> None:
    log = peer.streams[stream := peer.spawn(["/bin/sh", "-c", "echo up; exec sleep 100"], flags=wire.PTY)]
    peer.until(lambda: b"up" in log.out)
    peer.close(stream, 1)
    peer.until(lambda: log.exit is not None)
    assert log.exit is not None
    assert (log.exit.kind, log.exit.value) == (wire.KILLED, signal.SIGHUP)


def test_resizing_what_is_no_terminal_does_nothing(peer: AgentPeer) -> None:
    stream = peer.spawn(["cat"])
    peer.send(wire.RESIZE, stream, b"\0\1\0\1")
    peer.close(stream, 0)
    assert peer.finish(stream).exit is not None


def open_fds(peer: AgentPeer) -> list[str]:
    return sorted(os.listdir(f"/proc/{peer.process.pid}/fd"), key=int)


@pytest.mark.slow
def test_500_processes_leave_no_fd_behind(peer: AgentPeer) -> None:
    peer.sh("true")
    before = open_fds(peer)
    for round_number in range(50):
        flags = (0, wire.PTY, wire.DRIVER)[round_number % 3]
        argv = ["true"] if round_number % 5 else ["/nonexistent"]
        streams = [peer.spawn(argv, flags=flags) for _ in range(10)]
        for stream in streams:
            peer.finish(stream, (1,))
    peer.until(lambda: len(open_fds(peer)) <= len(before))
    assert open_fds(peer) == before


def test_orphans_are_reaped(peer: AgentPeer) -> None:
    log = peer.sh("(/bin/sh -c 'echo $$; exec sleep 0.2' & ) ; exit 0")
    wait_gone(pid := int(log.out))
    end = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < end, "an orphan stays a zombie"
        peer.pump(0.01)
