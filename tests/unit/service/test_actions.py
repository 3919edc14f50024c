"""Start, stop, clean, and the VM that notebooks share."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from era_kernel import process
from era_kernel.errors import BootError, UnknownVmError
from era_kernel.models import Purpose, VmState
from era_kernel.paths import StatePaths
from era_kernel.service.manager import Manager
from era_kernel.service.results import Outcome
from tests.fakes.agent_vm import AgentLauncher, install
from tests.unit.service.support import IMAGE, eventually, left_over, processes_of


def test_a_stopped_vm_keeps_its_disk_and_comes_up_again(manager: Manager, state: StatePaths) -> None:
    made = manager.create("python", image=IMAGE)
    state.vm(made.id).disk.write_bytes(b"what was written")
    assert manager.stop([made.id]) == [Outcome(made.id)]
    stopped = manager.get(made.id)
    assert (stopped.state, stopped.shim, stopped.vmm) == (VmState.STOPPED, None, None)
    assert processes_of(state) == []
    started = manager.start(made.id)
    assert started.state is VmState.READY
    assert started.shim != made.shim
    assert process.is_alive(started.vmm)
    assert state.vm(made.id).disk.read_bytes() == b"what was written"


def test_what_is_so_already_is_no_error(manager: Manager) -> None:
    made = manager.create("python", image=IMAGE)
    assert manager.start(made.id) == made
    assert manager.stop([made.id]) == manager.stop([made.id]) == [Outcome(made.id)]


def test_a_start_that_fails_leaves_the_vm_stopped_with_its_disk(
    manager: Manager, state: StatePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = manager.create("python", image=IMAGE)
    state.vm(made.id).disk.write_bytes(b"what was written")
    manager.stop([made.id])
    install(AgentLauncher(["false"]), monkeypatch)
    with pytest.raises(BootError):
        manager.start(made.id)
    assert manager.get(made.id).state is VmState.STOPPED
    assert state.vm(made.id).disk.read_bytes() == b"what was written"
    assert eventually(lambda: processes_of(state) == [])


def test_nothing_stays_of_a_cleaned_vm(manager: Manager, state: StatePaths) -> None:
    up = manager.create("python", image=IMAGE, persist=True)
    down = manager.create("python", image=IMAGE)
    manager.stop([down.id])
    assert manager.clean([up.id, down.id]) == [Outcome(up.id), Outcome(down.id)]
    assert left_over(state) == {}


def test_a_persistent_disk_is_kept_when_asked_for(manager: Manager, state: StatePaths) -> None:
    made = manager.create("python", image=IMAGE, persist=True)
    manager.clean([made.id], keep_persist=True)
    assert left_over(state) == {"persists": [state.vm(made.id).persist]}
    assert manager.list(include_stopped=True) == []
    assert state.vm(made.id).persist_disk.exists()


def test_all_are_stopped_and_cleaned_when_none_is_named(manager: Manager, state: StatePaths) -> None:
    ids = [manager.create("python", image=IMAGE).id for _ in range(3)]
    assert manager.stop(None) == [Outcome(vm_id) for vm_id in ids]
    assert manager.clean(None) == [Outcome(vm_id) for vm_id in ids]
    assert manager.stop(None) == []
    assert left_over(state) == {}


def test_unknown_vms_fail_apart(manager: Manager, state: StatePaths) -> None:
    made = manager.create("python", image=IMAGE)
    for action in (manager.stop, manager.clean):
        unknown, known = action(["../../etc", made.id])
        assert isinstance(unknown.error, UnknownVmError)
        assert known == Outcome(made.id)
    for call in (manager.get, manager.start):
        with pytest.raises(UnknownVmError, match="python-none"):
            call("python-none")
    assert left_over(state) == {}


def test_actions_on_one_vm_at_once_end_in_a_state_that_one_of_them_wanted(manager: Manager, state: StatePaths) -> None:
    made = manager.create("python", image=IMAGE)
    errors: list[BaseException] = []

    def repeat(action: str) -> None:
        try:
            for _ in range(4):
                if action == "start":
                    Manager(state).start(made.id)
                else:
                    assert Manager(state).stop([made.id]) == [Outcome(made.id)]
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=repeat, args=(action,)) for action in ("start", "stop", "start", "stop")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    record = manager.get(made.id)
    up = record.state is VmState.READY
    assert process.is_alive(record.vmm) is up
    assert len([line for line in processes_of(state) if "era_kernel.shim" in line]) == int(up)
    assert manager.clean(None) == [Outcome(made.id)]
    assert left_over(state) == {}


def test_the_vm_for_notebooks_is_made_once_found_and_started(manager: Manager) -> None:
    other = manager.create("python", image=IMAGE)
    made = manager.kernel_vm("python", image=IMAGE, mem=300)
    assert made.id != other.id
    assert (made.purpose, made.spec.mem) == (Purpose.KERNEL, 300)
    assert manager.kernel_vm("py", mem=200) == made
    manager.stop([made.id])
    again = manager.kernel_vm("python")
    assert (again.id, again.spec.mem, again.state) == (made.id, 300, VmState.READY)


def test_two_notebooks_at_once_get_one_vm(manager: Manager, state: StatePaths, agent_binary: Path) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(Manager(state).kernel_vm("python", image=IMAGE).id))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 3
    assert len(set(found)) == 1
    assert len(manager.list(include_stopped=True)) == 1
