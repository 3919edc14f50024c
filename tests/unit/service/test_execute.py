"""Commands in VMs: their output, their end, and that they end."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import psutil
import pytest

from era_kernel import process
from era_kernel.errors import UnknownVmError, UsageError, VmLostError, VmStateError
from era_kernel.models import ExecResult, Purpose
from era_kernel.service.manager import Manager
from era_kernel.service.results import Outcome
from tests.unit.service.support import IMAGE, Collected, eventually, ignore

pytestmark = pytest.mark.asyncio


@pytest.fixture
def vm(manager: Manager) -> str:
    return manager.create("python", image=IMAGE).id


async def run(manager: Manager, vm_id: str, command: str, timeout: float = 30) -> tuple[ExecResult, str, str]:
    output = Collected()
    [result] = await manager.execute([vm_id], command, timeout=timeout, output=output)
    assert isinstance(result, ExecResult), result
    return result, output.texts.get((vm_id, 1), b"").decode(), output.texts.get((vm_id, 2), b"").decode()


def alive(marker: str) -> bool:
    return any(marker in (each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"]))


async def test_output_and_status_of_a_command(manager: Manager, vm: str) -> None:
    result, out, err = await run(manager, vm, "echo out; echo err >&2; exit 3")
    assert (result, out, err) == (ExecResult(vm, 3), "out\n", "err\n")


async def test_a_command_gets_no_input_and_a_plain_environment(manager: Manager, vm: str) -> None:
    result, out, _ = await run(manager, vm, 'cat; printf \'%s|%s|%s|%s\' "$HOME" "$LANG" "$TERM" "$PWD"')
    assert (result.status, out) == (0, "/root|C.UTF-8|dumb|/root")


async def test_a_signal_that_ends_a_command_gives_128_and_its_number(manager: Manager, vm: str) -> None:
    result, _, _ = await run(manager, vm, "kill -SEGV $$")
    assert result == ExecResult(vm, 128 + signal.SIGSEGV)


async def test_all_of_a_large_output_arrives(manager: Manager, vm: str) -> None:
    result, out, _ = await run(manager, vm, "head -c 5000000 /dev/zero | tr '\\0' x")
    assert (result.status, len(out)) == (0, 5_000_000)


async def test_a_command_past_its_time_is_killed_with_all_that_it_started(manager: Manager, vm: str) -> None:
    before = time.monotonic()
    result, out, _ = await run(manager, vm, "trap '' TERM INT; echo on; sleep 987651 & sleep 987651", timeout=0.5)
    assert time.monotonic() - before < 10
    assert result == ExecResult(vm, 124, timed_out=True)
    assert out == "on\n"
    assert eventually(lambda: not alive("987651"))
    assert (await run(manager, vm, "echo still there"))[1] == "still there\n"


async def test_a_command_that_floods_is_killed_in_time(manager: Manager, vm: str) -> None:
    result, out, _ = await run(manager, vm, "yes", timeout=0.5)
    assert result.timed_out
    assert out


async def test_a_cancelled_command_is_killed_with_all_that_it_started(manager: Manager, vm: str) -> None:
    task = asyncio.create_task(manager.execute([vm], "sleep 987652 & sleep 987652", timeout=60, output=ignore))
    while not alive("987652"):
        assert not task.done()
        await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert eventually(lambda: not alive("987652"))


async def test_what_the_output_raises_is_raised_and_ends_the_command(manager: Manager, vm: str) -> None:
    def closed(vm_id: str, fd: int, data: bytes) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        await manager.execute([vm], "echo x; sleep 987653", timeout=60, output=closed)
    assert eventually(lambda: not alive("987653"))


async def test_several_vms_run_side_by_side(manager: Manager, tmp_path: Path) -> None:
    """Each waits for the other: one after the other would never end."""
    ids = [manager.create("python", image=IMAGE).id for _ in range(2)]
    meet = f"touch {tmp_path}/$$; while [ $(ls {tmp_path} | grep -c '^[0-9]*$') -lt 2 ]; do sleep 0.05; done; echo met"
    output = Collected()
    assert await manager.execute(None, meet, timeout=20, output=output) == [ExecResult(each, 0) for each in ids]
    assert output.texts == {(each, 1): b"met\n" for each in ids}


async def test_a_vm_that_is_lost_does_not_stop_the_others(manager: Manager) -> None:
    lost, other = (manager.create("python", image=IMAGE) for _ in range(2))
    task = asyncio.create_task(manager.execute(None, "sleep 1; echo done", timeout=30, output=ignore))
    await asyncio.sleep(0.5)
    assert lost.vmm is not None
    process.send_signal(lost.vmm, signal.SIGKILL)
    first, second = await task
    assert isinstance(first, Outcome)
    assert isinstance(first.error, VmLostError)
    assert second == ExecResult(other.id, 0)


async def test_a_vm_named_twice_runs_the_command_once(manager: Manager, vm: str) -> None:
    assert await manager.execute([vm, vm], "true", timeout=30, output=ignore) == [ExecResult(vm, 0)]


async def test_the_last_run_is_noted(manager: Manager, vm: str) -> None:
    assert manager.get(vm).last_run == 0.0
    before = time.time()
    await run(manager, vm, "true")
    assert before <= manager.get(vm).last_run <= time.time()


async def test_nothing_runs_when_one_that_is_named_cannot(manager: Manager, vm: str, tmp_path: Path) -> None:
    stopped = manager.create("python", image=IMAGE).id
    manager.stop([stopped])
    touch = f"touch {tmp_path}/ran"
    with pytest.raises(UnknownVmError):
        await manager.execute([vm, "python-none"], touch, timeout=30, output=ignore)
    with pytest.raises(VmStateError, match=rf"{stopped} is stopped.*era vm start --vm {stopped}"):
        await manager.execute([vm, stopped], touch, timeout=30, output=ignore)
    assert not (tmp_path / "ran").exists()


async def test_nothing_to_do_is_an_error(manager: Manager) -> None:
    with pytest.raises(VmStateError, match="No VM is up"):
        await manager.execute(None, "true", timeout=30, output=ignore)
    manager.create("python", image=IMAGE, purpose=Purpose.TEMP)
    with pytest.raises(VmStateError, match="No VM is up"):
        await manager.execute(None, "true", timeout=30, output=ignore)
    with pytest.raises(UsageError):
        await manager.execute([], "true", timeout=30, output=ignore)


async def test_a_command_that_linux_would_not_take_is_refused(manager: Manager, vm: str) -> None:
    longest = ": " + "ä" * (((128 << 10) - 4) // 2)
    assert await manager.execute([vm], longest, timeout=30, output=ignore) == [ExecResult(vm, 0)]
    with pytest.raises(UsageError, match=r"The command is 131073 bytes long.*Put it into a file"):
        await manager.execute([vm], longest + "äx", timeout=30, output=ignore)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
async def test_a_time_limit_that_cannot_be_kept_is_refused(manager: Manager, timeout: float) -> None:
    with pytest.raises(UsageError, match="time limit"):
        await manager.execute(None, "true", timeout=timeout, output=ignore)


async def test_a_command_that_cannot_be_sent_is_that_vm_s_error(manager: Manager, vm: str) -> None:
    [outcome] = await manager.execute([vm], "echo \0", timeout=30, output=ignore)
    assert isinstance(outcome, Outcome)
    assert isinstance(outcome.error, UsageError)
