"""Whatever was killed, crashed or given up, the next look finds it and puts it right, and touches nothing else."""

from __future__ import annotations

import logging
import os
import shutil
import signal

import msgspec
import pytest

from era_kernel import process
from era_kernel.models import ProcessIdentity, Purpose, VmRecord, VmState
from era_kernel.paths import StatePaths
from era_kernel.service.context import Context
from era_kernel.service.locks import vm_lock
from era_kernel.service.manager import Manager
from era_kernel.service.reconcile import reconcile
from tests.unit.service.support import IMAGE, eventually, left_over, made_up, processes_of


def kill(identity: ProcessIdentity | None) -> None:
    assert identity is not None
    assert process.send_signal(identity, signal.SIGKILL)
    assert process.wait_gone(identity, 10)


def freeze(identity: ProcessIdentity | None) -> None:
    assert identity is not None
    assert process.send_signal(identity, signal.SIGSTOP)


def test_what_is_right_stays_as_it_is(manager: Manager, context: Context) -> None:
    up, down = manager.create("python", image=IMAGE), manager.create("python", image=IMAGE)
    manager.stop([down.id])
    assert reconcile(context) == [up, manager.get(down.id)]


def test_a_killed_shim_takes_its_vmm_with_it(manager: Manager, state: StatePaths) -> None:
    made = manager.create("python", image=IMAGE)
    state.vm(made.id).disk.write_bytes(b"what was written")
    freeze(made.vmm)  # so that it does not go by itself
    kill(made.shim)
    assert process.is_alive(made.vmm)
    [view] = manager.list(include_stopped=True)
    assert (view.record.state, view.record.shim, view.record.vmm) == (VmState.STOPPED, None, None)
    assert not process.is_alive(made.vmm)
    assert manager.list() == []
    assert state.vm(made.id).disk.read_bytes() == b"what was written"
    assert manager.start(made.id).state is VmState.READY


def test_a_killed_vmm_leaves_a_stopped_vm(manager: Manager, state: StatePaths) -> None:
    made = manager.create("python", image=IMAGE)
    kill(made.vmm)
    assert made.shim is not None
    assert process.wait_gone(made.shim, 10)
    assert manager.start(made.id).vmm != made.vmm


@pytest.mark.slow
def test_a_frozen_shim_is_ended_by_stop(manager: Manager, state: StatePaths) -> None:
    made = manager.create("python", image=IMAGE)
    freeze(made.shim)
    [outcome] = manager.stop([made.id])
    assert outcome.error is None
    assert processes_of(state) == []


def test_a_vm_of_another_boot_is_stopped_and_nobody_is_signalled(state: StatePaths, context: Context) -> None:
    bystander = process.identify(os.getpid())
    gone = ProcessIdentity(bystander.pid, bystander.create_time, "the boot before")
    recycled = ProcessIdentity(bystander.pid, bystander.create_time - 100, bystander.boot_id)
    for number, identity in ((1, gone), (2, recycled)):
        context.repository.add(
            msgspec.structs.replace(made_up(number), state=VmState.READY, shim=identity, vmm=identity)
        )
    assert [record.state for record in reconcile(context)] == [VmState.STOPPED] * 2
    assert all(record.vmm is None for record in context.repository.all())


def test_a_vm_that_was_given_up_half_made_is_removed(manager: Manager, state: StatePaths, context: Context) -> None:
    context.repository.add(made_up())
    paths = state.vm(made_up().id)
    paths.disk.touch()
    paths.persist.mkdir()
    paths.persist_disk.touch()
    assert manager.list() == []
    assert left_over(state) == {}


def test_a_vm_that_is_being_made_is_left_alone(manager: Manager, state: StatePaths, context: Context) -> None:
    context.repository.add(made_up())
    with vm_lock(state, made_up().id):
        [view] = manager.list()
    assert view.record == made_up()


def test_a_half_made_vm_whose_shim_still_boots_is_removed_with_it(
    manager: Manager, state: StatePaths, context: Context
) -> None:
    """Its maker was killed before it could note the shim."""
    made = manager.create("python", image=IMAGE)
    context.repository.update(made.id, state=VmState.PROVISIONING, shim=None, vmm=None)
    state.vm(made.id).socket.unlink()  # a shim that boots has none yet
    assert manager.list(include_stopped=True) == []
    assert eventually(lambda: not process.is_alive(made.vmm))
    assert left_over(state) == {}


def test_a_stopped_vm_that_is_up_is_stopped(manager: Manager, context: Context) -> None:
    """Whoever started it was killed before it could note that it is up."""
    made = manager.create("python", image=IMAGE)
    context.repository.update(made.id, state=VmState.STOPPED, shim=None, vmm=None)
    assert manager.list() == []
    assert eventually(lambda: not process.is_alive(made.vmm))
    assert not process.is_alive(made.shim)
    assert manager.start(made.id).state is VmState.READY


def test_a_vm_whose_maker_was_killed_before_the_registry_knew_it_is_removed(
    manager: Manager, state: StatePaths, context: Context
) -> None:
    context.repository.add(made_up())
    shutil.copy(state.registry, state.root / "with")
    context.repository.remove(made_up().id)
    shutil.copy(state.registry, state.root / "without")
    state.vm(made_up().id).record.write_bytes(msgspec.json.encode(made_up()))
    assert manager.list() == []
    assert left_over(state) == {}


def test_a_folder_that_is_not_ours_to_judge_is_left_alone(manager: Manager, state: StatePaths) -> None:
    stranger, lost = state.vms / "notes", state.vms / "python-0000000a"
    for folder in (stranger, lost, state.vms / ".trash-", state.vms / ".trash-notes"):
        folder.mkdir()
        (folder / "data").write_bytes(b"precious")
    (lost / "record.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(made_up(10), state=VmState.STOPPED)))
    (state.persists / "notes").mkdir()
    state.registry.write_bytes(b'{"vms": {}}')
    before = sorted(state.root.rglob("*"))
    assert manager.list(include_stopped=True) == []
    assert [each for each in before if not each.exists()] == []


def owned_by(owner: ProcessIdentity | None, state: VmState, number: int = 1) -> VmRecord:
    return msgspec.structs.replace(made_up(number, Purpose.TEMP), owner=owner, state=state)


def test_temp_vms_that_nobody_uses_are_removed(manager: Manager, state: StatePaths, context: Context) -> None:
    here = process.identify(os.getpid())
    dead = ProcessIdentity(here.pid, here.create_time - 100, here.boot_id)
    context.repository.add(owned_by(here, VmState.STOPPED, 1))
    context.repository.add(owned_by(dead, VmState.STOPPED, 2))
    context.repository.add(owned_by(dead, VmState.READY, 3))
    context.repository.add(owned_by(here, VmState.READY, 4))  # its shim is gone
    assert manager.list(include_stopped=True) == []
    assert left_over(state) == {}


def test_a_temp_vm_in_use_stays_until_its_owner_is_gone(manager: Manager, state: StatePaths, context: Context) -> None:
    made = manager.create("python", image=IMAGE, purpose=Purpose.TEMP)
    assert [view.record.id for view in manager.list()] == [made.id]
    assert made.owner is not None
    dead = msgspec.structs.replace(made.owner, create_time=1.0)
    context.repository.update(made.id, owner=dead)
    assert manager.list() == []
    assert left_over(state) == {}


@pytest.mark.parametrize("keep", [False, True])
def test_a_removal_that_was_interrupted_is_finished(
    manager: Manager, state: StatePaths, context: Context, keep: bool
) -> None:
    record = msgspec.structs.replace(made_up(), state=VmState.STOPPED)
    context.repository.add(record)
    paths = state.vm(record.id)
    paths.persist.mkdir()
    paths.persist_disk.write_bytes(b"data")
    (paths.folder / "inner").mkdir()
    (paths.folder / "link").symlink_to(state.registry)
    paths.folder.rename(state.vms / f".trash-{record.id}{'.keep-persist' if keep else ''}")
    assert manager.list(include_stopped=True) == []
    assert left_over(state) == ({"persists": [paths.persist]} if keep else {})
    assert state.registry.exists()


def test_a_vm_without_its_folder_is_forgotten_and_its_persistent_disk_kept(
    manager: Manager, state: StatePaths, context: Context
) -> None:
    record = msgspec.structs.replace(made_up(), state=VmState.STOPPED)
    context.repository.add(record)
    state.vm(record.id).persist.mkdir()
    shutil.rmtree(state.vm(record.id).folder)
    assert manager.list(include_stopped=True) == []
    assert left_over(state) == {"persists": [state.vm(record.id).persist]}


def test_a_vm_that_cannot_be_put_right_does_not_hide_the_others(
    manager: Manager, state: StatePaths, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    broken = msgspec.structs.replace(made_up(), launcher="of the future", state=VmState.PROVISIONING)
    context.repository.add(broken)
    made = manager.create("python", image=IMAGE)
    with caplog.at_level(logging.WARNING):
        assert [view.record.id for view in manager.list()] == [broken.id, made.id]
    assert broken.id in caplog.text
