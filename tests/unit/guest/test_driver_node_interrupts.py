"""Interrupts and ends of the Node driver."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import pytest

from tests.conformance.samples.node import NODE
from tests.unit.guest.driver_peer import DriverPeer, Started, running_driver
from tests.unit.guest.node_driver import start_node

pytestmark = pytest.mark.timeout(60)


def start_with_silent_stdin(fds: Sequence[int]) -> Started:
    """A driver whose stdin nobody ever writes to."""
    silent, _ = os.pipe()  # the writing end stays open as long as the tests run
    return start_node([silent, *fds[1:]])


def interrupted(peer: DriverPeer, code: str) -> None:
    peer.output[1].clear()
    request = peer.start(code)
    peer.stdout(b"running\n")
    time.sleep(0.05)
    started = time.monotonic()
    peer.interrupt()
    assert peer.answer(request).reply.ename == "KeyboardInterrupt"
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("kind", NODE.endless)
def test_an_endless_cell_is_interrupted(kind: str) -> None:
    with running_driver(start_with_silent_stdin) as peer:
        peer.run("let x = 41")
        for _ in range(3):
            interrupted(peer, NODE.endless[kind])
            assert peer.value("x + 1") == "42"


def test_what_was_interrupted_while_it_waited_does_not_go_on(node_peer: DriverPeer) -> None:
    interrupted(
        node_peer, "console.log('running'); for (;;) { await new Promise(r => setTimeout(r, 80)); console.log('x') }"
    )
    node_peer.output[1].clear()
    node_peer.run("await new Promise(r => setTimeout(r, 300))")
    assert node_peer.stdout() == b""


def test_an_interrupt_between_cells_does_nothing(node_peer: DriverPeer) -> None:
    for _ in range(20):
        node_peer.interrupt()
    assert node_peer.value("1 + 1") == "2"


def test_many_interrupts_of_one_cell(node_peer: DriverPeer) -> None:
    request = node_peer.start("while (true) {}")
    for _ in range(20):
        time.sleep(0.01)
        node_peer.interrupt()
    assert node_peer.answer(request).reply.ename == "KeyboardInterrupt"
    for _ in range(20):
        assert node_peer.value("1 + 1") == "2"


def test_a_question_is_interrupted(node_peer: DriverPeer) -> None:
    request = node_peer.start("prompt('?')", allow_stdin=True)
    node_peer.next_message()
    node_peer.interrupt()
    assert node_peer.answer(request).reply.ename == "KeyboardInterrupt"


@pytest.mark.parametrize("code", ["0", "while (true) {}", "prompt('?')"])
def test_it_ends_with_its_host(node_peer: DriverPeer, code: str) -> None:
    node_peer.start(code, allow_stdin=True)
    time.sleep(0.1)
    node_peer.end_input()
    assert node_peer.wait() == 0


def test_exit_ends_it_after_its_output(node_peer: DriverPeer) -> None:
    node_peer.start("console.log('bye'); display.html('x'); process.exit(3)")
    assert node_peer.next_message().content is not None
    assert node_peer.wait() == 3
    assert node_peer.stdout(b"bye\n") == b"bye\n"
    assert node_peer.stderr() == b""
