"""The Go driver's zygote and its spares: what Go's runtime does by itself must not reach a session's fds."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.unit.guest.driver_peer import plain, running_driver
from tests.unit.guest.go_driver import GoProgram
from tests.unit.guest.warm_driver import Zygote

pytestmark = pytest.mark.timeout(60)

JOB_FDS = {0, 1, 2, 3, 4}
SETTLED = 0.3
TWO_COLLECTIONS = 190.0
"""Seconds: Go's runtime looks once a minute whether it has collected no garbage for two, and then gives back memory."""


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


def test_what_a_spare_has_rehearsed_is_not_in_its_session(go_driver: Path) -> None:
    with (
        zygote(go_driver) as running,
        running_driver(running.start_driver) as warm,
        running_driver(GoProgram(go_driver)) as cold,
    ):
        for code in (
            "total",
            "fmt.Println()",
            "point{}",
            "var n = total",
            'import "fmt"\nfmt.Sprint(1)',
            'panic("no")',
        ):
            answers = [peer.run(code) for peer in (warm, cold)]
            assert answers[0].reply == answers[1].reply
            assert [plain(each.content) for each in answers[0].events] == [
                plain(each.content) for each in answers[1].events
            ]
        names = [peer.request("complete_request", code="t", cursor_pos=1).reply.matches for peer in (warm, cold)]
        assert names[0] == names[1]
        assert warm.stdout() == cold.stdout()
        assert warm.stderr() == cold.stderr()


def test_a_goroutine_s_panic_is_told_without_the_interpreter(go_driver: Path) -> None:
    with zygote(go_driver) as running, running_driver(running.start_driver) as peer:
        assert peer.value('import "os"\nos.Getenv("GOTRACEBACK")') == '""'
        peer.start('go func() { panic("alone") }()\nselect {}')
        told = peer.stderr(wait_for=b"panic: alone").decode()
        peer.wait()
        assert "goroutine" not in told
        assert "yaegi" not in peer.stderr().decode()


def test_a_rehearsal_prints_nothing(go_driver: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with zygote(go_driver) as running:
        _, channel = running.spare()
        channel.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_after_minutes_of_waiting_there_are_sessions(go_driver: Path) -> None:
    """The runtime opens fds then, where it waits in a spare; in a zygote it closes files that nobody holds, once it has
    collected garbage at all, as with GOGC=1 it has."""
    with zygote(go_driver, GOGC="1") as collecting, zygote(go_driver) as running:
        time.sleep(TWO_COLLECTIONS)
        for each in (running, collecting):
            for _ in range(2):
                with running_driver(each.start_driver) as peer:
                    assert peer.value("1 + 1") == "2"
            assert each.process.poll() is None
