"""`era vm exec` and `era vm temp`: bytes, labels, statuses, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import IO

import pytest

from tests.unit.cli.support import ROOT, Era

A, B, C = "python-0000000a", "python-0000000b", "python-0000000c"
EXEC = ("vm", "exec", "--vm", A, "--cmd")
TEMP = ("vm", "temp", "--language", "python", "--cmd")
BOTH = pytest.mark.parametrize("command", [EXEC, TEMP], ids=["exec", "temp"])


def run_bytes(era: Era, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(era.command(*arguments), env=era.env, capture_output=True, timeout=60, check=False, cwd=ROOT)


def notes(era: Era) -> list[str]:
    return (era.state / "notes").read_text().splitlines()


@BOTH
def test_the_bytes_of_one_vm_come_unchanged(toy_era: Era, command: tuple[str, ...]) -> None:
    ended = run_bytes(toy_era, *command, r"printf 'a\r\n\000\377no newline'; printf 'err\033' >&2")
    assert ended.stdout == b"a\r\n\x00\xffno newline"
    assert ended.stderr.removeprefix(b"making a VM\n") == b"err\x1b"


@BOTH
def test_large_output_is_complete(toy_era: Era, command: tuple[str, ...]) -> None:
    ended = run_bytes(toy_era, *command, "head -c 8000000 /dev/zero")
    assert ended.stdout == bytes(8_000_000)


@BOTH
def test_output_comes_while_the_command_runs(toy_era: Era, command: tuple[str, ...]) -> None:
    with toy_era.started(*command, "echo first; sleep 30") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"first\n"
        assert process.poll() is None


@BOTH
def test_the_exit_status_is_the_commands(toy_era: Era, command: tuple[str, ...]) -> None:
    ended = toy_era(*command, "exit 3")
    assert (ended.status, ended.stdout) == (3, "")
    assert ended.stderr.removeprefix("making a VM\n") == ""


@BOTH
def test_a_command_may_look_like_an_option(toy_era: Era, command: tuple[str, ...]) -> None:
    ended = toy_era(*command[:-1], "--cmd=--version; echo ran")
    assert ended.stdout == "ran\n"


@BOTH
def test_past_the_time_limit_the_command_is_ended_and_it_is_said(toy_era: Era, command: tuple[str, ...]) -> None:
    ended = toy_era(*command, "echo before; sleep 30", "--timeout", "0.5")
    assert (ended.status, ended.stdout) == (124, "before\n")
    said = f"era: {A}: The command took longer than 0.5 s and was ended\n"
    assert ended.stderr.removeprefix("making a VM\n") == said
    assert f"{A} ended" in notes(toy_era)


def test_memory_that_ran_out_is_said(toy_era: Era) -> None:
    ended = toy_era(*EXEC, "exit 137")
    assert ended.status == 137
    assert "memory ran out" in ended.stderr


@BOTH
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
)
def test_a_signal_ends_the_command_in_the_guest(
    toy_era: Era, command: tuple[str, ...], number: signal.Signals, status: int
) -> None:
    with toy_era.started(*command, "echo up; sleep 60") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(number)
        assert process.wait(20) == status
        assert process.stderr.read().removeprefix(b"making a VM\n") == b""
    assert notes(toy_era) == [f"{A} ended", *(["cleaned"] if command is TEMP else [])]


@BOTH
def test_a_second_signal_does_not_disturb_the_cleaning(toy_era: Era, command: tuple[str, ...]) -> None:
    with toy_era.started(*command, "echo up; sleep 60") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        for _ in range(5):
            process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert f"{A} ended" in notes(toy_era)


@BOTH
def test_a_closed_stdout_ends_the_command_quietly(toy_era: Era, command: tuple[str, ...]) -> None:
    with toy_era.started(*command, "yes") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(2) == b"y\n"
        process.stdout.close()
        assert process.wait(20) == 141
        assert process.stderr.read().removeprefix(b"making a VM\n") == b""
    assert f"{A} ended" in notes(toy_era)


@BOTH
def test_a_reader_that_is_stuck_does_not_lift_the_time_limit(toy_era: Era, command: tuple[str, ...]) -> None:
    started = time.monotonic()
    with toy_era.started(*command, "yes", "--timeout", "1") as process:
        assert process.wait(20) == 124
    assert time.monotonic() - started < 10


@BOTH
def test_a_reader_that_is_stuck_does_not_hold_up_an_interrupt(toy_era: Era, command: tuple[str, ...]) -> None:
    with toy_era.started(*command, "yes") as process:
        assert process.stdout is not None
        assert process.stdout.read(2) == b"y\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


@BOTH
def test_a_slow_reader_gets_everything(toy_era: Era, command: tuple[str, ...]) -> None:
    with toy_era.started(*command, "head -c 300000 /dev/zero") as process:
        assert process.stdout is not None
        got = b""
        while data := read_slowly(process.stdout):
            got += data
        assert process.wait(20) == 0
    assert got == bytes(300_000)


def read_slowly(stream: IO[bytes]) -> bytes:
    time.sleep(0.05)
    return os.read(stream.fileno(), 20_000)


def test_the_lines_of_several_vms_are_labelled(toy_era: Era) -> None:
    command = "for n in 1 2 3; do echo $VM $n; echo e$n >&2; done; printf 'end %s' $VM"
    ended = toy_era("vm", "exec", "--vm", B, "--vm", A, "--vm", B, "--cmd", command)
    assert ended.status == 0
    for vm_id in (A, B):
        mine = [line for line in ended.stdout.splitlines() if line.startswith(f"{vm_id} | ")]
        assert mine == [f"{vm_id} | {vm_id} {n}" for n in (1, 2, 3)] + [f"{vm_id} | end {vm_id}"]
    assert len(ended.stdout.splitlines()) == 8
    assert sorted(ended.stderr.splitlines()) == sorted(f"{vm_id} | e{n}" for vm_id in (A, B) for n in (1, 2, 3))


def test_lines_of_several_vms_do_not_mix(toy_era: Era) -> None:
    ended = toy_era("vm", "exec", "--all", "--cmd", "for n in $(seq 2000); do printf $VM; printf -- -$n; echo; done")
    lines = ended.stdout.splitlines()
    expected = [f"{vm_id} | {vm_id}-{n}" for vm_id in (A, B, C) for n in range(1, 2001)]
    assert sorted(lines) == sorted(expected)


def test_the_status_of_several_is_the_first_that_is_not_0_in_the_given_order(toy_era: Era) -> None:
    command = f"case $VM in {A}) sleep 0.5; exit 5;; {B}) exit 6;; esac"
    ended = toy_era("vm", "exec", "--vm", C, "--vm", A, "--vm", B, "--cmd", command)
    assert ended.status == 5
    assert ended.stderr.splitlines() == [
        f"era: {A}: The command ended with status 5",
        f"era: {B}: The command ended with status 6",
    ]


def test_a_vm_that_is_lost_does_not_stop_the_others(toy_era: Era) -> None:
    ended = toy_era("vm", "exec", "--vm", "python-ffffffff", "--vm", A, "--cmd", "echo here")
    assert (ended.status, ended.stdout) == (1, f"{A} | here\n")
    assert ended.stderr == "era: python-ffffffff: python-ffffffff went away. Start it.\n"


def test_start_goes_on_after_a_failure(toy_era: Era) -> None:
    ended = toy_era("vm", "start", "--vm", "python-ffffffff", "--vm", A)
    assert (ended.status, ended.stdout) == (1, f"{A} started\n")
    assert ended.stderr.startswith("era: python-ffffffff: There is no VM")


def test_start_all_means_the_stopped_ones(toy_era: Era) -> None:
    assert toy_era("vm", "start", "--all").stdout == f"{A} started\n{B} started\n{C} started\n"
