"""The Go driver's zygote and its spares: what Go's runtime does by itself must not reach a session's fds."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.unit.guest.driver_peer import running_driver
from tests.unit.guest.warm_driver import Zygote

pytestmark = pytest.mark.timeout(60)

JOB_FDS = {0, 1, 2, 3, 4}
SETTLED = 0.3
TWO_COLLECTIONS = 250.0
"""Seconds: Go collects garbage at least every two minutes, and then gives back memory, by a timer."""


def zygote(driver: Path, **env: str) -> Zygote:
    return Zygote(["--warm"], {**os.environ, **env}, [str(driver)])


def open_fds(pid: int) -> set[int]:
    return {int(name) for name in os.listdir(f"/proc/{pid}/fd")}


def settled_fds(pid: int) -> set[int]:
    """The fds of a spare that has announced itself, as they are while it waits."""
    while True:
        before = open_fds(pid)
        time.sleep(SETTLED)
        if open_fds(pid) == before:
            return before


def test_a_waiting_spare_leaves_no_number_free_that_its_job_will_use(go_driver: Path) -> None:
    with zygote(go_driver) as running:
        pid, channel = running.spare()
        with channel:
            assert settled_fds(pid) >= JOB_FDS


def test_a_session_has_its_job_s_fds_and_none_of_the_spare_s(go_driver: Path) -> None:
    with zygote(go_driver) as running, running_driver(running.start_driver) as peer:
        code = 'import "os/exec"\nout, _ := exec.Command("ls", "/proc/self/fd").Output()\nstring(out)'
        assert peer.value(code) == "`0\n1\n2\n3\n`"  # 3 is what ls reads
        assert not open_fds(peer.process.pid) & {3, 4}


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_after_minutes_of_waiting_there_are_sessions(go_driver: Path) -> None:
    """In a spare the runtime opens fds then; in a zygote, of which GOGC=1 asks for more, it closes forgotten files."""
    with zygote(go_driver, GOGC="1") as collecting, zygote(go_driver) as running:
        pid, channel = running.spare()
        with channel:
            before = settled_fds(pid)
            end = time.monotonic() + TWO_COLLECTIONS
            while open_fds(pid) == before:
                assert time.monotonic() < end, "the runtime needed no timer"
                time.sleep(1)
            assert not (open_fds(pid) - before) & JOB_FDS
        assert collecting.process.poll() is None
        for _ in range(2):
            with running_driver(collecting.start_driver) as peer:
                assert peer.value("1 + 1") == "2"
