"""When the python driver pushes out what a cell prints: soon, whatever is printed besides, however much."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.unit.guest.driver_peer import DriverPeer, StartDriver, running_driver

pytestmark = pytest.mark.timeout(60)

SOON = 0.2
"""Seconds; the driver's own limit is 0.024, the rest is for a busy machine."""


@pytest.fixture
def peer(start_driver: StartDriver) -> Iterator[DriverPeer]:
    with running_driver(start_driver) as running:
        yield running


@pytest.mark.parametrize(
    "before",
    [
        "pass",
        "for n in range(100_000): print('x' * 79)",
        "sys.stdout.write('x' * 1_000_000)",
        "sys.stderr.write('x' * 1_000_000)",
        "sys.stdout.buffer.write(b'x' * 100_000)",
    ],
)
def test_a_line_is_seen_while_its_cell_goes_on(peer: DriverPeer, before: str) -> None:
    request = peer.start(f"import sys, time\n{before}\nprint('line', time.monotonic(), flush=False)\ntime.sleep(1)")
    seen = peer.stdout(b"line ")
    while not seen.endswith(b"\n"):
        seen = peer.stdout()
    assert time.monotonic() - float(seen.rpartition(b"line ")[2]) < SOON
    peer.answer(request)


def test_a_trickle_past_the_text_is_seen_too(peer: DriverPeer) -> None:
    trickle = "import sys, time\nfor n in range(200):\n    sys.stdout.buffer.write(b'.')\n    time.sleep(0.005)"
    request = peer.start(trickle)
    peer.stdout(b"." * 10, limit=0.5)
    assert len(peer.stdout()) < 150
    peer.answer(request)


def test_floods_on_both_streams_keep_their_order(peer: DriverPeer) -> None:
    peer.run(
        "import os, sys\nos.dup2(1, 2)\nfor i in range(50):\n"
        "    print(i, 'x' * 100_000)\n    print(i, 'y' * 100_000, file=sys.stderr)"
    )
    lines = peer.stdout(b"49 y").decode().split("\n")
    while len(lines) <= 100:
        lines = peer.stdout().decode().split("\n")
    assert [line.rstrip("xy") + line[-1:] for line in lines[:100]] == [f"{n} {c}" for n in range(50) for c in "xy"]
