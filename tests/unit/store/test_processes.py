"""Many processes at once, and processes that are killed: what was acknowledged is there."""

from __future__ import annotations

import multiprocessing
import random
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from era_kernel.models import VmRecord
from era_kernel.paths import StatePaths, open_state
from era_kernel.store.repository import VmRepository
from tests.unit.store.support import record, vm_id

PROCESSES, INSERTS = 8, 125
ROUNDS = 20


def insert_many(root: Path, worker: int) -> None:
    repository = VmRepository(StatePaths(root))
    for number in range(INSERTS):
        repository.add(record(worker * INSERTS + number))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_eight_processes_lose_no_insert(state: StatePaths) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=insert_many, args=(state.root, number)) for number in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(240)
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    kept = [each.id for each in VmRepository(state).all()]
    assert sorted(kept) == [vm_id(number) for number in range(PROCESSES * INSERTS)]


def count_runs(root: Path, times: int) -> None:
    """Each update depends on nothing that the caller read: last_run of another VM than ours is never lost."""
    repository = VmRepository(StatePaths(root))
    for turn in range(times):
        for number in (1, 2):
            repository.update(vm_id(number), **{"last_run" if number == 1 else "created": float(turn)})


def test_updates_of_two_processes_do_not_undo_each_other(state: StatePaths) -> None:
    repository = VmRepository(state)
    repository.add(record(1))
    repository.add(record(2))
    context = multiprocessing.get_context("spawn")
    worker = context.Process(target=count_runs, args=(state.root, 40))
    worker.start()
    turns = 0
    while worker.is_alive():
        turns += 1
        repository.update(vm_id(1), created=float(turns))
        repository.update(vm_id(2), last_run=float(turns))
    worker.join(10)
    assert worker.exitcode == 0
    assert repository.get(vm_id(1)) == record(1, created=float(turns), last_run=39.0)
    assert repository.get(vm_id(2)) == record(2, created=39.0, last_run=float(turns))


def step(repository: VmRepository, turn: int) -> None:
    """Turn by turn: add a VM, change it, add the next, remove the one before it …"""
    number, action = divmod(turn, 4)
    match action:
        case 0:
            repository.add(record(number))
        case 1:
            repository.update(vm_id(number), last_run=float(turn))
        case 2:
            repository.update(vm_id(number), digest=f"sha256:{turn}")
        case _ if number >= 2:
            repository.remove(vm_id(number - 2))


def after(turns: int) -> dict[str, VmRecord]:
    """What the registry holds when `turns` steps are done."""
    expected: dict[str, VmRecord] = {}
    for turn in range(turns):
        number, action = divmod(turn, 4)
        match action:
            case 0:
                expected[vm_id(number)] = record(number)
            case 1:
                expected[vm_id(number)] = record(number, last_run=float(turn))
            case 2:
                expected[vm_id(number)] = record(number, last_run=float(turn - 1), digest=f"sha256:{turn}")
            case _:
                expected.pop(vm_id(number - 2), None)
    return expected


def write_on(root: Path, acknowledge: Connection) -> None:
    repository = VmRepository(StatePaths(root))
    for turn in range(100_000):
        step(repository, turn)
        acknowledge.send(turn + 1)


def kill_a_writer(state: StatePaths, moment: float) -> int:
    """Let a writer work, kill it at a moment of its work; how many steps it had acknowledged."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    writer = context.Process(target=write_on, args=(state.root, theirs))
    writer.start()
    theirs.close()
    assert ours.poll(60)
    time.sleep(moment)
    writer.kill()
    writer.join(10)
    done = 0
    try:
        while True:
            done = ours.recv()
    except EOFError:
        return done


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_writer_killed_at_any_moment_loses_nothing_acknowledged(tmp_path: Path) -> None:
    chance = random.Random()
    for round_number in range(ROUNDS):
        state = open_state(tmp_path / str(round_number))
        done = kill_a_writer(state, chance.uniform(0, 0.15))
        possible = (after(done), after(done + 1))
        assert {each.id: each for each in VmRepository(state).all()} in possible
        assert not list(state.root.glob("*corrupt*"))
        state.registry.write_bytes(b"")
        assert {each.id: each for each in VmRepository(state).all()} in possible
