"""What the command line has to do with VMs, whatever these are: agents without a hypervisor, or real ones."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.unit.cli.support import ROOT, Ended, Era

SECONDS = 180


class VmEra(Era):
    """`era` that can make VMs; `options` are given to each new one."""

    options: tuple[str, ...] = ()

    def bytes(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self.command(*arguments),
            env=self.env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )

    def __call__(self, *arguments: str, **unused: object) -> Ended:
        ended = self.bytes(*arguments)
        return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    def create(self, *options: str) -> str:
        ended = self("vm", "create", "--language", "python", *self.options, *options)
        assert ended.status == 0, ended.stderr
        assert re.fullmatch(r"python-[0-9a-f]{8}\n", ended.stdout)
        return ended.stdout.strip()

    def views(self) -> dict[str, dict[str, object]]:
        """All VMs by id, as `era vm list --json` tells."""
        return {view["id"]: view for view in json.loads(self("vm", "list", "--all", "--json").stdout)}

    def folders(self) -> set[str]:
        """The VMs that have a folder."""
        return {path.name for path in (self.state / "vms").glob("[!.]*")}

    def exec(self, vm: str, command: str, *options: str) -> Ended:
        return self("vm", "exec", "--vm", vm, f"--cmd={command}", *options)

    def alive(self, vm: str, word: str) -> str:
        """The command lines in the guest that have `word` in them, a moment later."""
        time.sleep(1)
        pattern = f"[{word[0]}]{word[1:]}"
        look = f"for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' 2>/dev/null <$f; echo; done | grep '{pattern}'"
        return self.exec(vm, look).stdout


class Scenarios:
    """Needs a fixture `era` of the class's scope; the VMs are made once for all."""

    @pytest.fixture(scope="class")
    @classmethod
    def vm(cls, era: VmEra) -> Iterator[str]:
        vm_id = era.create()
        yield vm_id
        era("vm", "clean", "--vm", vm_id)

    @pytest.fixture(scope="class")
    @classmethod
    def second(cls, era: VmEra) -> Iterator[str]:
        vm_id = era.create("--mem", "192")
        yield vm_id
        era("vm", "clean", "--vm", vm_id)

    def test_a_new_vm_is_listed_as_ready(self, era: VmEra, vm: str) -> None:
        view = era.views()[vm]
        assert (view["status"], view["cpu"], view["mem"], view["network"]) == ("ready", 1, 256, "none")
        assert isinstance(view["mem_used"], int)
        assert view["mem_used"] > 0
        assert vm in era("vm", "list").stdout

    def test_bytes_come_unchanged_and_apart(self, era: VmEra, vm: str) -> None:
        ended = era.bytes("vm", "exec", "--vm", vm, "--cmd", r"printf 'a\r\n\000\377end'; printf 'err\033' >&2")
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"a\r\n\x00\xffend", b"err\x1b")

    def test_large_output_is_complete(self, era: VmEra, vm: str) -> None:
        ended = era.bytes("vm", "exec", "--vm", vm, "--cmd", "head -c 5000000 /dev/zero")
        assert ended.stdout == bytes(5_000_000)

    def test_output_comes_while_the_command_runs(self, era: VmEra, vm: str) -> None:
        with era.started("vm", "exec", "--vm", vm, "--cmd", "echo first; sleep 30") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"first\n"
            assert process.poll() is None
            assert era.views()[vm]["status"] == "running"

    @pytest.mark.parametrize(
        ("command", "status"), [("exit 3", 3), ("kill -9 $$", 137), ("no-such-command", 127), ("", 0)], ids=str
    )
    def test_the_exit_status_is_the_commands(self, era: VmEra, vm: str, command: str, status: int) -> None:
        assert era.exec(vm, command).status == status

    def test_a_command_may_look_like_an_option(self, era: VmEra, vm: str) -> None:
        ended = era.exec(vm, "-x; echo ran")
        assert (ended.status, ended.stdout) == (0, "ran\n")

    def test_past_the_time_limit_everything_that_was_started_is_gone(self, era: VmEra, vm: str) -> None:
        started = time.monotonic()
        ended = era.exec(vm, "sleep 77771 & sleep 77771", "--timeout", "2")
        assert ended.status == 124
        assert ended.stderr == f"era: {vm}: The command took longer than 2 s and was ended\n"
        assert time.monotonic() - started < 20
        assert era.alive(vm, "77771") == ""

    @pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=str)
    def test_a_signal_ends_the_command_in_the_guest(
        self, era: VmEra, vm: str, number: signal.Signals, status: int
    ) -> None:
        with era.started("vm", "exec", "--vm", vm, "--cmd", "echo up; sleep 77772") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline() == b"up\n"
            process.send_signal(number)
            assert process.wait(20) == status
            assert process.stderr.read() == b""
        assert era.alive(vm, "77772") == ""

    def test_a_closed_stdout_ends_the_command_in_the_guest(self, era: VmEra, vm: str) -> None:
        with era.started("vm", "exec", "--vm", vm, "--cmd", "yes era-yes") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.wait(20) == 141
            assert process.stderr.read() == b""
        assert era.alive(vm, "era-yes") == ""

    def test_a_reader_that_is_stuck_does_not_lift_the_time_limit(self, era: VmEra, vm: str) -> None:
        with era.started("vm", "exec", "--vm", vm, "--cmd", "yes era-no", "--timeout", "2") as process:
            assert process.wait(30) == 124
        assert era.alive(vm, "era-no") == ""

    def test_the_lines_of_several_vms_are_labelled_and_whole(self, era: VmEra, vm: str, second: str) -> None:
        ended = era("vm", "exec", "--vm", second, "--vm", vm, "--cmd", "seq 500; seq 3 >&2; printf end")
        assert ended.status == 0
        expected = [f"{each} | {n}" for each in (vm, second) for n in (*range(1, 501), "end")]
        assert sorted(ended.stdout.splitlines()) == sorted(expected)
        labelled = [f"{each} | {n}" for each in (vm, second) for n in (1, 2, 3)]
        assert sorted(ended.stderr.splitlines()) == sorted(labelled)

    def test_all_means_all_that_are_up_and_labels_them(self, era: VmEra, vm: str, second: str) -> None:
        ended = era("vm", "exec", "--all", "--cmd", "exit 4")
        assert ended.status == 4
        assert sorted(ended.stderr.splitlines()) == sorted(
            f"era: {each}: The command ended with status 4" for each in (vm, second)
        )

    def test_an_unknown_vm_is_said_before_anything_runs(self, era: VmEra, vm: str) -> None:
        ended = era("vm", "exec", "--vm", vm, "--vm", "python-00000000", "--cmd", "echo ran")
        assert (ended.status, ended.stdout) == (1, "")
        assert ended.stderr.startswith("era: There is no VM 'python-00000000'")

    def test_a_vm_that_dies_under_a_command_is_said(self, era: VmEra) -> None:
        vm = era.create()
        with era.started("vm", "exec", "--vm", vm, "--cmd", "echo up; sleep 60") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline() == b"up\n"
            vmm = era.views()[vm]["vmm"]
            assert isinstance(vmm, dict)
            psutil.Process(vmm["pid"]).kill()
            assert process.wait(20) == 1
            said = process.stderr.read().decode()
        assert said.startswith("era: ")
        assert said.count("\n") == 1
        assert era("vm", "clean", "--vm", vm).status == 0

    def test_stop_start_stop(self, era: VmEra, second: str) -> None:
        assert era("vm", "stop", "--vm", second).stdout == f"{second} stopped\n"
        assert era.views()[second]["status"] == "stopped"
        assert second not in era("vm", "list").stdout
        assert era.exec(second, "true").stderr.startswith(f"era: {second} is stopped")
        assert era("vm", "start", "--vm", second).stdout == f"{second} started\n"
        assert era.exec(second, "echo again").stdout == "again\n"

    def test_temp_runs_a_command_and_leaves_nothing(self, era: VmEra) -> None:
        before = era.folders()
        ended = era(
            "vm", "temp", "--language", "python", *era.options, "--cmd", "python3 -c 'print(6*7)'; echo err >&2; exit 5"
        )
        assert (ended.status, ended.stdout) == (5, "42\n")
        assert ended.stderr.endswith("err\n")
        assert set(era.views()) == era.folders() == before

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=str)
    @pytest.mark.parametrize("moment", ["booting", "running"])
    def test_temp_leaves_nothing_after_a_signal(self, era: VmEra, number: signal.Signals, moment: str) -> None:
        before = era.folders()
        command = ("vm", "temp", "--language", "python", *era.options, "--cmd", "echo up; sleep 300")
        with era.started(*command, "--timeout", "100") as process:
            assert process.stdout is not None
            if moment == "running":
                assert process.stdout.readline() == b"up\n"
            else:
                self.wait_for_new_vm(era, before)
            process.send_signal(number)
            assert process.wait(SECONDS) == 128 + number
        assert set(era.views()) == era.folders() == before

    def wait_for_new_vm(self, era: VmEra, before: set[str]) -> None:
        deadline = time.monotonic() + 60
        while era.folders() <= before:
            assert time.monotonic() < deadline, "no VM is being made"
            time.sleep(0.02)

    def test_persist_outlives_clean_on_demand(self, era: VmEra) -> None:
        kept, gone = era.create("--persist"), era.create("--persist")
        cleaned = era("vm", "clean", "--vm", kept, "--keep-persist")
        assert (cleaned.status, cleaned.stdout) == (0, f"{kept} cleaned\n")
        assert era("vm", "clean", "--vm", gone).status == 0
        assert not era.folders() & {kept, gone}
        assert (era.state / "persist" / kept).is_dir()
        assert not (era.state / "persist" / gone).exists()
