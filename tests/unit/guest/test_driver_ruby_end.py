"""Interrupts and the end of the Ruby driver."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.unit.guest.driver_peer import DriverPeer

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize(
    "code",
    [
        "loop {}",
        "sleep 600",
        "r, w = IO.pipe; r.read(1)",
        "system('sleep 600')",
        "`sleep 600`",
        "Queue.new.pop",
        "Thread.new { sleep }.join",
        "trap('INT') { raise Interrupt }; sleep",
        "loop { Era.html('x' * 100_000) }",
    ],
)
def test_an_interrupt_ends_a_cell_and_keeps_variables(ruby_peer: DriverPeer, code: str) -> None:
    ruby_peer.run("x = 41")
    request = ruby_peer.start(f"y = 1; print 'running'; {code}; puts 'went on'")
    ruby_peer.stdout(b"running")
    time.sleep(0.1)
    ruby_peer.interrupt()
    began = time.monotonic()
    assert ruby_peer.answer(request).reply.ename == "KeyboardInterrupt"
    assert time.monotonic() - began < 2
    assert ruby_peer.value("x + y") == "42"
    assert b"went on" not in ruby_peer.stdout()


def test_an_interrupt_between_cells_does_nothing(ruby_peer: DriverPeer) -> None:
    ruby_peer.run("x = 41")
    for _ in range(20):
        ruby_peer.interrupt()
    assert ruby_peer.value("x + 1") == "42"


def test_interrupts_at_the_end_of_cells_leave_the_driver_alone(ruby_peer: DriverPeer) -> None:
    for _ in range(100):
        request = ruby_peer.start("5")
        ruby_peer.interrupt()
        assert ruby_peer.answer(request).reply.status in ("ok", "error")
    assert ruby_peer.value("1 + 1") == "2"


def test_a_cell_can_rescue_an_interrupt(ruby_peer: DriverPeer) -> None:
    request = ruby_peer.start("begin; print 'running'; sleep; rescue Interrupt; end; print 'over'")
    ruby_peer.stdout(b"running")
    ruby_peer.interrupt()
    assert ruby_peer.answer(request).reply.status == "ok"
    assert ruby_peer.stdout(b"over") == b"runningover"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("exit 3", 3),
        ("exit", 0),
        ("exit(false)", 1),
        ("exit! 5", 5),
        ("abort", 1),
        ("at_exit { exit 6 }; exit 3", 6),
        ("Thread.new { exit 7 }.join", 7),
        ("begin; exit 8; ensure; print ''; end", 8),
    ],
)
def test_exit_ends_the_driver_with_that_status(ruby_peer: DriverPeer, code: str, status: int) -> None:
    ruby_peer.start(f"$stdout.sync = false; print 'bye'; $stdout.flush if {int('!' in code)} == 1; {code}")
    assert ruby_peer.wait() == status
    assert ruby_peer.stdout(b"bye") == b"bye"


def test_abort_says_why(ruby_peer: DriverPeer) -> None:
    ruby_peer.start("abort 'enough'")
    assert ruby_peer.wait() == 1
    assert ruby_peer.stderr(b"enough\n") == b"enough\n"


@pytest.mark.parametrize("code", ["nil", "loop {}", "sleep"])
def test_the_driver_ends_when_the_host_does(ruby_peer: DriverPeer, code: str) -> None:
    ruby_peer.start(f"print 'on'; {code}")
    ruby_peer.stdout(b"on")
    ruby_peer.end_input()
    assert ruby_peer.wait() == 0


@pytest.mark.parametrize(
    "data", [b"\xff\xff\xff\xff", b"\0\0\0\x02{x", b"\0\0\0\x02[]", b'\0\0\0\x0a{"type":1}', b"\0\0\0\x01\xff"]
)
def test_a_message_that_is_none_ends_the_driver(ruby_peer: DriverPeer, data: bytes) -> None:
    ruby_peer.send_bytes(data)
    assert ruby_peer.wait() == 70
    assert b"era ruby driver: the host" in ruby_peer.stderr(b"\n")


def test_a_signal_that_ends_programs_ends_it(ruby_peer: DriverPeer) -> None:
    ruby_peer.start("begin; print 'on'; sleep; ensure; puts 'caught'; end")
    ruby_peer.stdout(b"on")
    os.kill(ruby_peer.process.pid, signal.SIGTERM)
    assert ruby_peer.wait() == -signal.SIGTERM
