"""`era vm shell` on a real terminal of this host and in a real VM."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from types import TracebackType

import pytest

from tests.unit.cli.scenarios import VmEra
from tests.unit.cli.support import ROOT

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(300)]

SECONDS = 60.0


class Terminal:
    """`era vm shell` on a terminal of 30 rows and 100 columns."""

    def __init__(self, era: VmEra, *arguments: str) -> None:
        self.master, self._slave = pty.openpty()
        self.resize(30, 100)
        self.before = termios.tcgetattr(self._slave)
        self.shown = b""
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "era_kernel", "vm", "shell", *arguments],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=era.env | {"TERM": "xterm"},
            cwd=ROOT,
            start_new_session=True,
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait(SECONDS)
        os.close(self.master)
        os.close(self._slave)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        data = text.encode()
        deadline = time.monotonic() + SECONDS
        while data:
            assert time.monotonic() < deadline, "nobody takes what is typed"
            if select.select([], [self.master], [], 1)[1]:
                data = data[os.write(self.master, data[:1024]) :]
            self._read(0)

    def until(self, text: str) -> None:
        deadline = time.monotonic() + SECONDS
        while text.encode() not in self.shown:
            assert time.monotonic() < deadline, self.shown[-2000:]
            self._read(0.5)
        self.shown = self.shown.split(text.encode(), 1)[1]

    def ended(self) -> int:
        deadline = time.monotonic() + SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.shown[-2000:]
            self._read(0.1)
        self._read(0.1)
        return self.process.returncode

    def is_restored(self) -> bool:
        return termios.tcgetattr(self._slave) == self.before

    def _read(self, wait: float) -> None:
        while select.select([self.master], [], [], wait)[0]:
            self.shown += os.read(self.master, 65536)
            wait = 0


@pytest.fixture(scope="module")
def era(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VmEra]:
    era = VmEra(tmp_path_factory.mktemp("era"))
    era.env = os.environ | {"AGENT_STATE_DIR": str(era.state), "PYTHONPATH": str(ROOT)}
    yield era
    era("vm", "clean", "--all")


@pytest.fixture(scope="module")
def vm(era: VmEra) -> str:
    return era.create()


def test_it_is_a_terminal_of_ours_size_and_changes_with_it(era: VmEra, vm: str) -> None:
    with Terminal(era, "--vm", vm) as shell:
        shell.type("tty; stty size; echo $TERM\n")
        shell.until("/dev/pts/")
        shell.until("30 100")
        shell.until("xterm")
        assert not shell.is_restored()
        shell.resize(41, 77)
        os.kill(shell.process.pid, signal.SIGWINCH)
        shell.type("stty size\n")
        shell.until("41 77")
        shell.type("exit 7\n")
        assert shell.ended() == 7
        assert shell.is_restored()


def test_ctrl_c_ends_what_runs_in_the_shell_and_not_the_shell(era: VmEra, vm: str) -> None:
    with Terminal(era, "--vm", vm) as shell:
        shell.type("echo be''gun; sleep 1000\n")
        shell.until("begun")
        shell.type("\x03")
        shell.type("echo status $((100 + $?))\n")
        shell.until("status 230")
        shell.until("# ")  # typed before the prompt, Ctrl-D would be nobody's
        shell.type("\x04")
        assert shell.ended() == 0  # the echo's status


def test_large_output_and_type_ahead_are_whole(era: VmEra, vm: str) -> None:
    with Terminal(era, "--vm", vm, "--cmd", "sh -c 'stty raw -echo; echo ready; head -c 100000 | wc -c'") as shell:
        shell.until("ready")
        shell.type("x" * 100_000)
        shell.until("100000")
        assert shell.ended() == 0
    with Terminal(era, "--vm", vm, "--cmd", "seq 1 100000") as shell:
        shell.until("\n100000\r\n")
        assert shell.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal_and_hangs_the_shell_up(era: VmEra, vm: str, number: int) -> None:
    with Terminal(era, "--vm", vm) as shell:
        shell.type("echo be''gun; sleep 76543\n")
        shell.until("begun")
        os.kill(shell.process.pid, number)
        assert shell.ended() == 128 + number
        assert shell.is_restored()
    assert era.alive(vm, "76543") == ""


@pytest.mark.parametrize("verb", ["stop", "clean"])
def test_a_vm_that_goes_away_is_said_on_a_terminal_as_it_was(era: VmEra, verb: str) -> None:
    other = era.create()
    with Terminal(era, "--vm", other) as shell:
        shell.type("echo be''gun\n")
        shell.until("begun")
        assert era("vm", verb, "--vm", other).status == 0
        assert shell.ended() == 1
        assert shell.is_restored()
        shell.until("era: ")


def test_a_stopped_vm_is_started(era: VmEra, vm: str) -> None:
    assert era("vm", "stop", "--vm", vm).status == 0
    with Terminal(era, "--vm", vm, "--cmd", "echo up") as shell:
        shell.until("up\r\n")
        assert shell.ended() == 0


def test_what_cannot_be_done_is_one_line(era: VmEra, vm: str) -> None:
    with Terminal(era, "--vm", vm, "--cmd", "/no/such") as shell:
        shell.until("era: /no/such cannot be started in the VM: No such file or directory")
        assert shell.ended() == 1
        assert shell.is_restored()
    piped = era("vm", "shell", "--vm", vm)
    assert (piped.status, piped.stdout) == (2, "")
    assert piped.stderr.startswith("era: `shell` needs a terminal. `era vm exec")
