"""Processes are started without a shell, end in time, and are never mistaken for another one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from era_kernel import process
from era_kernel.errors import ToolFailedError, ToolMissingError

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as child:
        yield child
        child.kill()


def test_a_program_s_output_is_given() -> None:
    done = process.run(["sh", "-c", "echo out; echo err >&2"], timeout=10)
    assert (done.stdout, done.stderr) == ("out\n", "err\n")
    assert process.run(["cat"], timeout=10, input=b"in").stdout == "in"


def test_arguments_are_no_shell_s() -> None:
    assert process.run(["echo", "$HOME; ls"], timeout=10).stdout == "$HOME; ls\n"


def test_a_program_that_is_not_there_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolMissingError, match=r"qemu-img is not installed\. Install the package qemu-utils"):
        process.run(["qemu-img"], timeout=10)


def test_a_program_that_fails_gives_its_last_words() -> None:
    with pytest.raises(ToolFailedError, match="sh failed with status 3: last") as caught:
        process.run(["sh", "-c", "echo first >&2; echo last >&2; exit 3"], timeout=10)
    assert (caught.value.status, caught.value.output) == (3, "first\nlast")


def test_a_program_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(ToolFailedError, match="took longer than"):
        process.run(["sh", "-c", f"sleep 60 & echo $! >{tmp_path}/pid; wait"], timeout=0.5)
    assert time.monotonic() - start < 10
    child = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and "State:\tZ" not in Path(f"/proc/{child}/status").read_text():
        assert time.monotonic() < deadline, "a child outlived its time limit"


def test_a_filter_over_bytes() -> None:
    assert process.run_bytes(["cat"], bytes(range(256)), timeout=10) == bytes(range(256))
    with pytest.raises(ToolFailedError):
        process.run_bytes(["false"], b"", timeout=10)


def test_a_process_is_known_until_it_ends(sleeper: subprocess.Popen[bytes]) -> None:
    identity = process.identify(sleeper.pid)
    assert process.is_alive(identity)
    assert not process.wait_gone(identity, 0.05)
    assert process.end(identity)
    assert not process.is_alive(identity), "a zombie has ended"


def test_a_recycled_pid_is_another_process(sleeper: subprocess.Popen[bytes]) -> None:
    identity = process.identify(sleeper.pid)
    others = [
        msgspec.structs.replace(identity, create_time=identity.create_time - 0.01),
        msgspec.structs.replace(identity, create_time=identity.create_time + 1),
        msgspec.structs.replace(identity, boot_id="another"),
    ]
    for other in others:
        assert not process.is_alive(other)
        assert not process.send_signal(other, signal.SIGKILL)
        assert process.end(other)
    with pytest.raises(subprocess.TimeoutExpired):
        sleeper.wait(0.2)


def test_what_ignores_sigterm_is_killed() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert process.end(process.identify(child.pid), grace=0.2)
        assert child.wait(5) == -signal.SIGKILL


def test_nobody_has_that_pid() -> None:
    with subprocess.Popen(["true"]) as child:
        pass
    with pytest.raises(ProcessLookupError):
        process.identify(child.pid)


def test_a_detached_program_has_a_session_of_its_own_and_its_output_is_logged(tmp_path: Path) -> None:
    identity = process.spawn_detached(["sh", "-c", "echo hello; sleep 60"], log_file=tmp_path / "log")
    try:
        assert os.getsid(identity.pid) == identity.pid
        deadline = time.monotonic() + 5
        while (tmp_path / "log").read_text() != "hello\n":
            assert time.monotonic() < deadline
    finally:
        process.end(identity)


def test_a_program_is_named_by_its_real_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A jail has /usr and no link /bin to it."""
    real = tmp_path / "real"
    real.mkdir()
    (real / "busy").touch(mode=0o755)
    (real / "tool").symlink_to("busy")
    (tmp_path / "bin").symlink_to("real")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert process.find_tool("tool") == str(real / "tool")
