"""How cells of the bash driver are interrupted, and how the driver ends."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from tests.conformance.samples.bash import BASH
from tests.unit.guest.driver_peer import DriverPeer

pytestmark = pytest.mark.timeout(60)

STUBBORN = {
    "deaf": "(trap '' INT; echo running; while :; do sleep 1; done)",
    "trapped": "trap 'echo trap' INT; echo running; sleep 600",
    "looping": "echo running; while :; do sleep 0.1; done",
    "questions": "echo running; while :; do read -r || :; done",
}


def living(group: int) -> list[str]:
    """The stat lines of a process group's processes, without zombies."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                found.append(str(path))
    return found


@pytest.mark.parametrize("code", [*BASH.endless.values(), *STUBBORN.values()], ids=[*BASH.endless, *STUBBORN])
def test_an_interrupt_ends_a_cell_soon_and_keeps_variables(bash_peer: DriverPeer, code: str) -> None:
    bash_peer.run("x=41; sleep 60 & job=$!")
    request = bash_peer.start(code)
    bash_peer.stdout(b"running\n")
    started = time.monotonic()
    bash_peer.interrupt()
    assert bash_peer.answer(request).reply.ename == "KeyboardInterrupt"
    assert time.monotonic() - started < 1.5
    bash_peer.run("echo $((x + 1))")
    bash_peer.stdout(b"42\n")


def test_an_interrupt_between_cells_hurts_nobody(bash_peer: DriverPeer) -> None:
    bash_peer.run("x=41")
    for _ in range(5):
        bash_peer.interrupt()
        assert bash_peer.run("x=$((x + 1))").reply.status in ("ok", "error")
        time.sleep(0.02)
    assert bash_peer.run("echo x=$x").reply.status == "ok"
    bash_peer.stdout(b"x=4")


def test_an_interrupt_ends_what_looks_like_a_fork_bomb(bash_peer: DriverPeer) -> None:
    request = bash_peer.start("for ((n = 0; n < 150; n++)); do sleep 300 & done; echo running; wait")
    bash_peer.stdout(b"running\n")
    time.sleep(0.5)  # until all of them ignore the interrupt
    bash_peer.interrupt()
    assert bash_peer.answer(request).reply.ename == "KeyboardInterrupt"
    bash_peer.run("")
    assert len(living(bash_peer.process.pid)) == 2, "the driver and bash"


@pytest.mark.parametrize(
    ("code", "status"), [("exit 0", 0), ("exit 3", 3), ("f() { exit 4; }; f", 4), ("exec true", 0)]
)
def test_exit_ends_the_driver_with_that_status(bash_peer: DriverPeer, code: str, status: int) -> None:
    bash_peer.start(f"echo bye; {code}")
    assert bash_peer.wait() == status
    assert bash_peer.stdout(b"bye") == b"bye\n"
    assert bash_peer.stderr() == b""


@pytest.mark.parametrize("code", ["trap 'echo $?' EXIT; exit 2", "trap 'echo 2; exit 2' EXIT\nexit 3"])
def test_a_trap_of_a_cell_sees_the_end(bash_peer: DriverPeer, code: str) -> None:
    bash_peer.start(code)
    assert bash_peer.wait() == 2
    assert bash_peer.stdout(b"\n") == b"2\n"


@pytest.mark.parametrize("code", ["echo $unbound", "f() { echo ${1:?no}; }\nf", "fixed=4", "set -x; echo $unbound"])
def test_an_error_that_set_e_ends_bash_for_ends_the_cell(bash_peer: DriverPeer, tmp_path: Path, code: str) -> None:
    bash_peer.run(
        f"x='a  b'; list=(1 '2 3'); declare -A map=([k]=v); export known=1; readonly fixed=3; cd '{tmp_path}'; IFS=,\n"
        "say() { echo \"said $1\"; }; alias hey='say hey'; shopt -s globstar; trap 'echo bye' EXIT; trap 'echo E' ERR"
    )
    failed = bash_peer.run(f"set -euo pipefail\n{code}\necho never")
    assert (failed.reply.ename, failed.reply.evalue) == ("ExitStatus", "1")
    told = 'echo "$x ${list[1]} ${map[k]} $known $fixed $PWD $IFS"; hey; shopt globstar; trap -p; echo $-'
    assert bash_peer.run(told).reply.status == "ok"
    assert bash_peer.stdout(b"Es\n").decode() == (
        f"a  b 2 3 v 1 3 {tmp_path} ,\nsaid hey\nglobstar       \ton\n"
        "trap -- 'echo bye' EXIT\ntrap -- 'echo E' ERR\nehiuBEs\n"
    )
    bash_peer.start("if true; then exit 4; fi")
    assert bash_peer.wait() == 4


def test_bash_that_is_killed_takes_the_driver_with_it(bash_peer: DriverPeer) -> None:
    bash_peer.start("kill -9 $$")
    assert bash_peer.wait() == -9


def test_bash_without_memory_says_so(bash_peer: DriverPeer) -> None:
    answer = bash_peer.run(f"ulimit -v 300000; {BASH.outgrows}")
    assert answer.reply.ename == "MemoryError"
    assert bash_peer.run("echo fresh=$x").reply.status == "ok"
    bash_peer.stdout(b"fresh=\n")


@pytest.mark.parametrize("code", ["", "sleep 600"])
def test_the_host_s_end_of_file_ends_the_driver(bash_peer: DriverPeer, code: str) -> None:
    bash_peer.start(code)
    bash_peer.end_input()
    assert bash_peer.wait() == 0


@pytest.mark.parametrize("data", [b"\x04\x00\x00\x01", b"\0\0\0\2[]", b"\0\0\0\1x", b"\0\0\0\2\xff\xff", b"\0\0\0\2{}"])
def test_what_is_no_message_ends_the_driver_with_a_word(bash_peer: DriverPeer, data: bytes) -> None:
    bash_peer.send_bytes(data)
    assert bash_peer.wait() == 76
    assert bash_peer.stderr(b"\n").startswith(b"era driver: the host ")


def test_a_host_that_is_gone_ends_the_driver(bash_peer: DriverPeer) -> None:
    bash_peer.stop_listening()
    bash_peer.start("while :; do era_text x; done")
    assert bash_peer.wait() == 74
