"""The registry, one process at a time."""

from __future__ import annotations

import stat

import msgspec
import pytest

from era_kernel.errors import RegistryError, UnknownVmError
from era_kernel.models import VmState
from era_kernel.paths import StatePaths
from era_kernel.store.repository import VmRepository
from tests.unit.store.support import record, vm_id


def test_an_empty_state_folder_has_no_vms_and_gets_no_registry(state: StatePaths, repository: VmRepository) -> None:
    assert repository.all() == []
    assert not state.registry.exists()


def test_a_record_that_was_added_is_there_for_everybody(state: StatePaths, repository: VmRepository) -> None:
    repository.add(record(2))
    repository.add(record(1))
    assert VmRepository(state).all() == [record(2), record(1)]
    assert VmRepository(state).get(vm_id(1)) == record(1)


def test_a_vm_gets_a_private_folder_with_a_copy_of_its_record(state: StatePaths, repository: VmRepository) -> None:
    repository.add(record(1))
    paths = state.vm(vm_id(1))
    assert stat.S_IMODE(paths.folder.stat().st_mode) == 0o700
    repository.update(vm_id(1), state=VmState.STOPPED)
    assert msgspec.json.decode(paths.record.read_bytes(), type=type(record(1))) == record(1, state=VmState.STOPPED)


def test_what_a_killed_process_left_of_a_folder_is_no_hindrance(state: StatePaths, repository: VmRepository) -> None:
    (state.vms / ".new").mkdir()
    (state.vms / ".new" / "disk.qcow2").touch()
    repository.add(record(1))
    assert list(state.vms.iterdir()) == [state.vm(vm_id(1)).folder]
    assert list(state.vm(vm_id(1)).folder.iterdir()) == [state.vm(vm_id(1)).record]


def test_an_id_is_given_once(state: StatePaths, repository: VmRepository) -> None:
    repository.add(record(1))
    with pytest.raises(RegistryError, match="already"):
        repository.add(record(1, digest="other"))
    assert repository.all() == [record(1)]
    (state.vms / vm_id(2)).mkdir()
    with pytest.raises(RegistryError, match="already"):
        repository.add(record(2))
    assert (state.vms / vm_id(2)).is_dir()


def test_an_update_changes_what_it_names_and_gives_the_whole(repository: VmRepository) -> None:
    repository.add(record(1))
    repository.add(record(2))
    assert repository.update(vm_id(1), last_run=5.0) == record(1, last_run=5.0)
    assert repository.all() == [record(1, last_run=5.0), record(2)]


def test_an_update_works_while_the_folder_is_being_removed(state: StatePaths, repository: VmRepository) -> None:
    repository.add(record(1))
    state.vm(vm_id(1)).folder.rename(state.vms / ".trash")
    assert repository.update(vm_id(1), last_run=5.0).last_run == 5.0


def test_a_record_that_could_not_be_read_again_is_not_written(repository: VmRepository) -> None:
    with pytest.raises(msgspec.ValidationError):
        repository.add(record(1, id="../escape"))
    repository.add(record(1))
    with pytest.raises(msgspec.ValidationError):
        repository.update(vm_id(1), created="yesterday")
    with pytest.raises(TypeError):
        repository.update(vm_id(1), colour="blue")
    assert repository.all() == [record(1)]


def test_unknown_vms(repository: VmRepository) -> None:
    repository.add(record(1))
    with pytest.raises(UnknownVmError, match=vm_id(2)):
        repository.get(vm_id(2))
    with pytest.raises(UnknownVmError):
        repository.update(vm_id(2), last_run=1.0)
    repository.remove(vm_id(2))
    assert repository.all() == [record(1)]


def test_a_removed_vm_is_forgotten_with_its_copy(state: StatePaths, repository: VmRepository) -> None:
    repository.add(record(1))
    repository.add(record(2))
    repository.remove(vm_id(1))
    state.registry.unlink()
    assert repository.all() == [record(2)]
