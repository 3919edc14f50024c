"""`run`, `logs`, `cp`, `--file` and `--hello` of the command line, on a real VM."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.scenarios import VmEra
from tests.unit.cli.support import ROOT

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def era(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VmEra]:
    era = VmEra(tmp_path_factory.mktemp("era"))
    era.env = os.environ | {"AGENT_STATE_DIR": str(era.state), "PYTHONPATH": str(ROOT)}
    yield era
    era("vm", "clean", "--all")


@pytest.fixture(scope="module")
def vm(era: VmEra) -> str:
    return era.create()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "a script.sh"
    path.write_text("#!/bin/sh\necho staged; echo aside >&2; exit 3\n")
    path.chmod(0o755)
    return path


def test_a_run_keeps_what_it_prints(era: VmEra, vm: str, script: Path) -> None:
    ended = era("vm", "run", "--vm", vm, "--cmd", "'/in/a script.sh'", "--file", str(script))
    assert (ended.status, ended.stdout, ended.stderr) == (3, "staged\n", "aside\n")
    out = era.state / "vms" / vm / "out"
    assert (out / "stdout.log").read_text() == "staged\n"
    assert (out / "stderr.log").read_text() == "aside\n"
    again = era("vm", "logs", "--vm", vm)
    assert (again.status, again.stdout, again.stderr) == (0, "staged\n", "aside\n")


def test_the_last_run_is_what_is_kept_and_its_last_lines_can_be_asked_for(era: VmEra, vm: str) -> None:
    era("vm", "run", "--vm", vm, "--cmd", "seq 1 5000")
    era("vm", "run", "--vm", vm, "--cmd", "seq 1 100; exit 1")
    assert era("vm", "logs", "--vm", vm).stdout.splitlines() == [str(number) for number in range(1, 101)]
    assert era("vm", "logs", "--vm", vm, "--lines", "2").stdout == "99\n100\n"


def test_a_run_brings_a_stopped_vm_up(era: VmEra, vm: str) -> None:
    assert era("vm", "stop", "--vm", vm).status == 0
    ended = era("vm", "run", "--vm", vm, "--cmd", "echo up")
    assert (ended.status, ended.stdout) == (0, "up\n")


def test_a_vm_without_a_run_says_so_and_has_a_console(era: VmEra) -> None:
    other = era.create()
    ended = era("vm", "logs", "--vm", other)
    assert ended.status == 1
    assert f"era: {other} has no such log yet. `era vm run --vm {other}" in ended.stderr
    assert era.exec(other, "echo from-the-guest >/dev/console; printf '\\033[31m' >/dev/console").status == 0
    shown = era("vm", "logs", "--vm", other, "--of", "console").stdout
    assert "from-the-guest" in shown
    assert "\x1b" not in shown
    assert era("vm", "logs", "--vm", other, "--of", "shim").status == 0
    assert era("vm", "clean", "--vm", other).status == 0


def test_hello_and_a_file_for_several(era: VmEra, vm: str, script: Path) -> None:
    ended = era("vm", "exec", "--all", "--hello")
    assert (ended.status, ended.stdout.lower()) == (0, f"{vm} | hello world\n")
    ended = era("vm", "exec", "--vm", vm, "--file", str(script), "--cmd", "cat '/in/a script.sh'")
    assert ended.stdout == script.read_text()


def test_a_temp_vm_takes_a_file(era: VmEra, script: Path) -> None:
    ended = era("vm", "temp", "--language", "python", "--file", str(script), "--cmd", "'/in/a script.sh'")
    assert (ended.status, ended.stdout) == (3, "staged\n")
    assert "aside\n" in ended.stderr


def test_files_go_both_ways(era: VmEra, vm: str, tmp_path: Path) -> None:
    data = os.urandom(3 << 20)
    (tmp_path / "data.bin").write_bytes(data)
    assert era("vm", "cp", str(tmp_path / "data.bin"), f"{vm}:/root/here.bin").status == 0
    assert era("vm", "cp", f"{vm}:/root/here.bin", str(tmp_path / "back.bin")).status == 0
    assert (tmp_path / "back.bin").read_bytes() == data
    folder = tmp_path / "folder"
    folder.mkdir()
    assert era("vm", "cp", f"{vm}:/root/here.bin", str(folder)).status == 0
    assert [path.name for path in folder.iterdir()] == ["here.bin"]
    assert era("vm", "cp", str(tmp_path / "data.bin"), f"{vm}:/root").status == 0
    assert era.exec(vm, "cmp /root/data.bin /root/here.bin && ls -A /root | grep -c era-").stdout == "0\n"


def test_a_link_of_this_machine_is_followed(era: VmEra, vm: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("linked")
    assert era("vm", "cp", f"{vm}:/etc/hostname", str(tmp_path / "link")).status == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "linked").read_text().strip() == vm


@pytest.mark.parametrize(
    ("source", "target", "status", "said"),
    [
        ("nothing", "VM:/in/x", 2, "nothing cannot be read: No such file"),
        (".", "VM:/in/x", 2, "is a folder. Pack it"),
        ("sparse", "VM:/in/x", 2, "sparse is larger than 1024 MiB"),
        ("file", "VM:in/x", 2, "'in/x' is no path in a VM"),
        ("file", "VM:/no/folder/x", 1, "file could not be written to /no/folder/x: there is no such folder"),
        ("VM:", ".", 2, "'' is no path in a VM"),
        ("VM:/etc/passwd", "x" * 300, 2, "cannot be written: File name too long. Name another place"),
        ("VM:/etc/passwd", "x" * 300 + "/y", 2, "cannot be written: File name too long. Name another place"),
        ("VM:/etc/passwd", "/dev/full", 2, "/dev/full is no regular file"),
        ("file", "other", 2, "Neither side is in a VM"),
        ("VM:/a", "VM:/b", 2, "Both sides are in a VM"),
        ("VM:/nothing", "here", 1, "/nothing cannot be read: it is not there"),
        ("VM:/etc", "here", 1, "/etc cannot be read: it is a folder"),
        ("VM:/dev/zero", "here", 1, "/dev/zero cannot be read: it is no regular file"),
        ("VM:/etc/passwd", "no/folder/x", 2, "There is no folder no/folder"),
        ("python-00000000:/etc/passwd", "here", 1, "There is no VM 'python-00000000'"),
    ],
)
def test_what_cannot_be_copied_is_one_line(
    era: VmEra, vm: str, tmp_path: Path, source: str, target: str, status: int, said: str
) -> None:
    (tmp_path / "file").write_text("x")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate((1 << 30) + 1)
    sides = (each.replace("VM", vm) for each in (source, target))
    ended = era("vm", "cp", *(side if ":" in side or "/" in side else str(tmp_path / side) for side in sides))
    assert ended.status == status
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("exec", "--all"), "No command is given"),
        (("exec", "--all", "--hello", "--cmd", "ls"), "exclude each other"),
        (("exec", "--all", "--cmd", "ls", "--file", "/no/such"), "/no/such cannot be read"),
        (("temp", "--language", "python", "--cmd", "ls", "--file", "/etc"), "/etc is a folder"),
        (("run", "--cmd", "ls"), "Missing option '--vm'"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_runs(
    era: VmEra, vm: str, arguments: tuple[str, ...], said: str
) -> None:
    ended = era("vm", *arguments)
    assert (ended.status, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert set(era.views()) == {vm}
