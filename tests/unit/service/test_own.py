"""A VM for one process: fresh each time, and gone with it."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest

from era_kernel import process
from era_kernel.models import Purpose, VmRecord
from era_kernel.paths import StatePaths
from era_kernel.service.manager import Manager
from era_kernel.service.sweep import sweep
from tests.fakes.agent_vm import install_agent
from tests.unit.service.support import IMAGE, eventually, left_over

pytestmark = pytest.mark.timeout(60)


def own_for_ever(root: Path, binary: Path) -> None:
    """An owner that dies before it attached."""
    install_agent(binary)
    Manager(StatePaths(root)).own_vm("python", image=IMAGE)
    time.sleep(60)


def owned_by_the_dead(manager: Manager, state: StatePaths, binary: Path) -> VmRecord:
    owner = multiprocessing.get_context("spawn").Process(target=own_for_ever, args=(state.root, binary))
    owner.start()
    assert eventually(lambda: manager.list("ready"), 30)
    owner.kill()
    owner.join(10)
    assert manager.state.registry.exists()
    return manager.get(next(state.vms.glob("python-*")).name)


def test_each_call_gives_a_vm_of_its_own(manager: Manager, state: StatePaths) -> None:
    first, second = (manager.own_vm("python", image=IMAGE) for _ in range(2))
    assert first.id != second.id
    assert {first.purpose, second.purpose} == {Purpose.TEMP}
    assert manager.kernel_vm("python", image=IMAGE).id not in {first.id, second.id}
    assert all(outcome.error is None for outcome in manager.clean(None))
    assert left_over(state) == {}


def test_one_that_is_stopped_is_gone(manager: Manager, state: StatePaths) -> None:
    record = manager.own_vm("python", image=IMAGE)
    assert [outcome.error for outcome in manager.stop([record.id])] == [None]
    assert left_over(state) == {}


def test_one_whose_owner_died_before_it_attached_ends_by_itself(
    manager: Manager, state: StatePaths, agent_binary: Path
) -> None:
    record = owned_by_the_dead(manager, state, agent_binary)
    assert record.shim is not None
    assert process.wait_gone(record.shim, 15)


def test_it_is_swept_away(manager: Manager, state: StatePaths, agent_binary: Path) -> None:
    record = owned_by_the_dead(manager, state, agent_binary)
    sweep(state.vm(record.id).folder)
    assert eventually(lambda: left_over(state) == {}), left_over(state)  # the shim's own sweeper takes a moment to end
    sweep(state.vm(record.id).folder)  # somebody else did it meanwhile


def test_no_other_vm_is_swept_away(manager: Manager, state: StatePaths) -> None:
    record = manager.create("python", image=IMAGE)
    sweep(state.vm(record.id).folder)
    assert manager.list()[0].record == record


def test_one_in_use_is_not_swept_away(manager: Manager, state: StatePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("era_kernel.service.sweep.SHIM_LEAVES", 0.1)
    record = manager.own_vm("python", image=IMAGE)
    sweep(state.vm(record.id).folder)
    assert manager.list()[0].record == record
