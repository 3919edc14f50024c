"""Managers in several processes, and managers that are killed."""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import time
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from era_kernel.errors import UnknownVmError
from era_kernel.paths import StatePaths
from era_kernel.service.manager import Manager
from tests.fakes.agent_vm import install_agent
from tests.unit.service.support import IMAGE, eventually, left_over

SPAWN = multiprocessing.get_context("spawn")
ROUNDS = 12


def ask_for_kernel_vm(root: Path, binary: Path, together: Barrier, answer: Connection) -> None:
    install_agent(binary)
    together.wait(60)
    answer.send(Manager(StatePaths(root)).kernel_vm("python", image=IMAGE).id)


def test_two_processes_that_ask_for_the_notebooks_vm_at_once_get_one(
    manager: Manager, state: StatePaths, agent_binary: Path
) -> None:
    together = SPAWN.Barrier(2)
    pipes = [SPAWN.Pipe(duplex=False) for _ in range(2)]
    workers = [
        SPAWN.Process(target=ask_for_kernel_vm, args=(state.root, agent_binary, together, theirs))
        for _, theirs in pipes
    ]
    for worker in workers:
        worker.start()
    for ours, _ in pipes:
        assert ours.poll(60)
    first, second = (ours.recv() for ours, _ in pipes)
    for worker in workers:
        worker.join(30)
    assert first == second
    assert [view.record.id for view in manager.list(include_stopped=True)] == [first]


def start_stop_clean(root: Path, binary: Path, vm_id: str, action: str, together: Barrier) -> None:
    install_agent(binary)
    manager = Manager(StatePaths(root))
    together.wait(60)
    if action == "start":
        with contextlib.suppress(UnknownVmError):
            manager.start(vm_id)
    else:
        [outcome] = manager.stop([vm_id]) if action == "stop" else manager.clean([vm_id])
        assert outcome.error is None or isinstance(outcome.error, UnknownVmError), outcome.error


@pytest.mark.slow
def test_start_stop_and_clean_at_once_leave_nothing(manager: Manager, state: StatePaths, agent_binary: Path) -> None:
    for _ in range(3):
        made = manager.create("python", image=IMAGE)
        actions = ("start", "stop", "clean", "clean")
        together = SPAWN.Barrier(len(actions))
        workers = [
            SPAWN.Process(target=start_stop_clean, args=(state.root, agent_binary, made.id, action, together))
            for action in actions
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert [worker.exitcode for worker in workers] == [0] * len(actions)
        assert left_over(state) == {}


def create_and_clean(root: Path, binary: Path, begun: Connection) -> None:
    install_agent(binary)
    manager = Manager(StatePaths(root))
    while True:
        begun.send(None)
        record = manager.create("python", image=IMAGE, persist=True)
        manager.stop([record.id])
        manager.start(record.id)
        manager.clean([record.id])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_manager_killed_at_any_moment_leaves_nothing_half_done(
    manager: Manager, state: StatePaths, agent_binary: Path
) -> None:
    """What remains is whole VMs, which can be started and cleaned; nothing runs that no record names."""
    chance = random.Random()
    for _ in range(ROUNDS):
        ours, theirs = SPAWN.Pipe(duplex=False)
        worker = SPAWN.Process(target=create_and_clean, args=(state.root, agent_binary, theirs))
        worker.start()
        theirs.close()
        assert ours.poll(60)
        time.sleep(chance.uniform(0, 2))
        worker.kill()
        worker.join(10)
        for view in manager.list(include_stopped=True):
            manager.start(view.record.id)
        assert all(outcome.error is None for outcome in manager.clean(None))
        assert eventually(lambda: left_over(state) == {}), left_over(state)
