"""A VM for one command is gone afterwards, whatever happened."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import time
from pathlib import Path

import pytest

from era_kernel import process
from era_kernel.errors import BootError, LimitError, UsageError, VmLostError
from era_kernel.models import ExecResult, Purpose, VmRecord
from era_kernel.paths import StatePaths
from era_kernel.service.manager import Manager
from tests.fakes.agent_vm import AgentLauncher, install, install_agent
from tests.unit.service.support import IMAGE, Collected, eventually, ignore, left_over

pytestmark = pytest.mark.asyncio


async def until_running(manager: Manager, task: asyncio.Task[ExecResult]) -> None:
    while not await asyncio.to_thread(manager.list, "running"):
        assert not task.done()
        await asyncio.sleep(0.05)


async def test_a_command_runs_and_its_vm_is_gone(manager: Manager, state: StatePaths) -> None:
    output = Collected()
    result = await manager.temp("python", "echo hello; exit 5", timeout=30, output=output, image=IMAGE)
    assert result == ExecResult(result.vm_id, 5)
    assert output.texts == {(result.vm_id, 1): b"hello\n"}
    assert left_over(state) == {}


async def test_a_command_past_its_time(manager: Manager, state: StatePaths) -> None:
    result = await manager.temp("python", "sleep 60", timeout=0.3, output=ignore, image=IMAGE)
    assert (result.status, result.timed_out) == (124, True)
    assert left_over(state) == {}


async def test_a_vm_that_somebody_stops_is_not_to_be_started_again(manager: Manager, state: StatePaths) -> None:
    task = asyncio.create_task(manager.temp("python", "sleep 60", timeout=60, output=ignore, image=IMAGE))
    await until_running(manager, task)
    await asyncio.to_thread(manager.stop, None)
    with pytest.raises(VmLostError, match=r"was stopped\. It was made for this command alone"):
        await task
    assert left_over(state) == {}


async def test_a_cancelled_command(manager: Manager, state: StatePaths) -> None:
    task = asyncio.create_task(manager.temp("python", "sleep 60", timeout=60, output=ignore, image=IMAGE))
    await until_running(manager, task)
    assert manager.list()[0].record.purpose is Purpose.TEMP
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left_over(state) == {}


async def test_cancelled_while_the_vm_is_made(
    state: StatePaths, agent_binary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    making: list[str] = []

    def slow(record: VmRecord) -> None:
        making.append(record.id)
        time.sleep(0.5)

    install(AgentLauncher([str(agent_binary)], slow), monkeypatch)
    task = asyncio.create_task(Manager(state).temp("python", "true", timeout=60, output=ignore, image=IMAGE))
    while not making:
        assert not task.done()
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left_over(state) == {}


async def test_an_output_that_raises(manager: Manager, state: StatePaths) -> None:
    def closed(vm_id: str, fd: int, data: bytes) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        await manager.temp("python", "echo x; sleep 60", timeout=60, output=closed, image=IMAGE)
    assert left_over(state) == {}


async def test_a_vm_that_does_not_boot(state: StatePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    install(AgentLauncher(["false"]), monkeypatch)
    with pytest.raises(BootError):
        await Manager(state).temp("python", "true", timeout=60, output=ignore, image=IMAGE)
    assert eventually(lambda: left_over(state) == {}), left_over(state)


async def test_what_cannot_be_is_refused_before_a_vm_is_made(manager: Manager, state: StatePaths) -> None:
    with pytest.raises(LimitError):
        await manager.temp("python", "true", timeout=1, output=ignore, cpu=0)
    with pytest.raises(UsageError):
        await manager.temp("python", "true", timeout=0, output=ignore, image=IMAGE)
    assert left_over(state) == {}


async def test_a_vm_that_somebody_else_cleaned_meanwhile_is_no_second_error(
    manager: Manager, state: StatePaths
) -> None:
    task = asyncio.create_task(manager.temp("python", "sleep 60", timeout=60, output=ignore, image=IMAGE))
    await until_running(manager, task)
    [outcome] = await asyncio.to_thread(manager.clean, None)
    assert outcome.error is None
    with pytest.raises(Exception, match="was stopped"):
        await task
    assert left_over(state) == {}


def run_temp(root: Path, binary: Path) -> None:
    install_agent(binary)
    asyncio.run(Manager(StatePaths(root)).temp("python", "sleep 600", timeout=600, output=ignore, image=IMAGE))


async def test_an_interrupted_owner_removes_its_vm(manager: Manager, state: StatePaths, agent_binary: Path) -> None:
    """Ctrl-C: nobody has to look for what it left."""
    owner = multiprocessing.get_context("spawn").Process(target=run_temp, args=(state.root, agent_binary))
    owner.start()
    while not await asyncio.to_thread(manager.list, "running"):
        assert owner.is_alive()
        await asyncio.sleep(0.05)
    assert owner.pid is not None
    assert process.send_signal(process.identify(owner.pid), signal.SIGINT)
    owner.join(30)
    assert owner.exitcode == 1
    assert left_over(state) == {}


async def test_a_killed_owner_leaves_no_vm(manager: Manager, state: StatePaths, agent_binary: Path) -> None:
    owner = multiprocessing.get_context("spawn").Process(target=run_temp, args=(state.root, agent_binary))
    owner.start()
    while not await asyncio.to_thread(manager.list, "running"):
        assert owner.is_alive()
        await asyncio.sleep(0.05)
    owner.kill()
    owner.join(10)
    assert manager.list(include_stopped=True) == []
    assert eventually(lambda: left_over(state) == {}), left_over(state)
