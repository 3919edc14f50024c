"""How the python driver ends, and what its children cannot do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.guest.driver_peer import DriverPeer, StartDriver, plain, running_driver

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def peer(start_driver: StartDriver) -> Iterator[DriverPeer]:
    with running_driver(start_driver) as running:
        yield running


@pytest.mark.parametrize(
    ("code", "status"), [("exit()", 0), ("exit(3)", 3), ("raise SystemExit('why')", 1), ("import os; os._exit(9)", 9)]
)
def test_exit_ends_the_driver_with_that_status(peer: DriverPeer, code: str, status: int) -> None:
    peer.start(f"print('bye', flush=True)\n{code}")
    assert peer.wait() == status
    assert peer.stdout(b"bye") == b"bye\n"


def test_exit_functions_run_and_all_is_said_before_the_end(peer: DriverPeer) -> None:
    peer.start("import atexit\natexit.register(print, 'at exit')\ndisplay('shown'); print('printed')\nexit()")
    assert plain(peer.next_message().content).data == {"text/plain": "'shown'"}
    assert peer.wait() == 0
    assert peer.stdout(b"at exit") == b"printed\nat exit\n"


@pytest.mark.parametrize("before", ["1", "await __import__('asyncio').sleep(0)", None])
def test_the_host_s_end_of_file_ends_the_driver(peer: DriverPeer, before: str | None) -> None:
    if before is None:
        peer.start("input()", allow_stdin=True)
        peer.next_message()
    else:
        peer.run(before)
    peer.end_input()
    assert peer.wait() == 0


def test_a_host_that_is_gone_ends_the_driver(peer: DriverPeer) -> None:
    peer.stop_listening()
    peer.start("while True: display(1)")
    assert peer.wait() == 74


@pytest.mark.parametrize("data", [b"\x04\x00\x00\x01", b"\0\0\0\2[]", b"\0\0\0\1x", b"\0\0\0\2\xff\xff"])
def test_what_is_no_message_ends_the_driver_with_a_word(peer: DriverPeer, data: bytes) -> None:
    peer.send_bytes(data)
    assert peer.wait() == 76
    assert peer.stderr(b"\n").startswith(b"era driver: the host ")


def test_children_cannot_write_messages(peer: DriverPeer) -> None:
    answer = peer.run("import os, subprocess\nsubprocess.run(['ls', '-l', '/proc/self/fd'], check=True);")
    assert answer.reply.status == "ok"
    descriptors = [
        line.split(" -> ")[0].split()[-1] for line in peer.stdout(b"->").decode().splitlines() if "->" in line
    ]
    assert {int(number) for number in descriptors} <= {0, 1, 2, 3}
