"""A registry that is lost or broken costs no VM, and nothing is thrown away."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from era_kernel.errors import RegistryError
from era_kernel.models import VmRecord, VmState
from era_kernel.paths import StatePaths, open_state
from era_kernel.store.repository import VmRepository
from tests.unit.store.support import record, vm_id

RECORDS = [record(1), record(2, state=VmState.STOPPED)]


@pytest.fixture(autouse=True)
def two_vms(state: StatePaths) -> None:
    repository = VmRepository(state)
    repository.add(record(2))
    repository.add(record(1))
    repository.update(vm_id(2), state=VmState.STOPPED)


def copies(state: StatePaths) -> list[Path]:
    return sorted(state.root.glob("registry.json.corrupt-*"))


BREAKS: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2),
    "no JSON": lambda path: path.write_bytes(b"not JSON"),
    "another shape": lambda path: path.write_bytes(b'{"vms": [1, 2]}'),
    "another program's": lambda path: path.write_bytes(b'{"_default": {"1": {"name": "x"}}}'),
    "a broken record": lambda path: path.write_bytes(path.read_bytes().replace(b'"stopped"', b'"stoqqed"')),
}


@pytest.mark.parametrize("kind", BREAKS)
def test_a_broken_registry_is_kept_aside_and_built_again(
    state: StatePaths, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    BREAKS[kind](state.registry)
    broken = state.registry.read_bytes()
    with caplog.at_level(logging.WARNING):
        assert VmRepository(state).all() == RECORDS
    [aside] = copies(state)
    assert aside.read_bytes() == broken
    [line] = caplog.messages
    assert str(aside) in line
    assert "2 VMs" in line
    caplog.clear()
    assert VmRepository(state).all() == RECORDS
    assert caplog.messages == []


def test_every_method_recovers(state: StatePaths) -> None:
    methods: list[Callable[[VmRepository], object]] = [
        lambda each: each.get(vm_id(1)),
        lambda each: each.add(record(3)),
        lambda each: each.update(vm_id(1), last_run=1.0),
        lambda each: each.remove(vm_id(3)),
    ]
    for method in methods:
        state.registry.write_bytes(b"")
        method(VmRepository(state))
        assert len(VmRepository(state).all()) >= 2
    assert len(copies(state)) == len(methods)


def test_a_folder_in_its_place_is_kept_aside(state: StatePaths) -> None:
    state.registry.unlink()
    (state.registry / "inner").mkdir(parents=True)
    assert VmRepository(state).all() == RECORDS
    assert (copies(state)[0] / "inner").is_dir()


def test_a_registry_that_is_missing_is_built_again(state: StatePaths, caplog: pytest.LogCaptureFixture) -> None:
    state.registry.unlink()
    assert VmRepository(state).all() == RECORDS
    assert "missing" in caplog.text
    assert copies(state) == []


def test_a_copy_that_cannot_be_used_costs_only_its_own_vm(state: StatePaths, caplog: pytest.LogCaptureFixture) -> None:
    state.vm(vm_id(1)).record.write_bytes(b"{")
    shutil.copytree(state.vm(vm_id(2)).folder, state.vms / vm_id(9))
    (state.vms / ".trash-python-00000005").mkdir()
    shutil.copy(state.vm(vm_id(2)).record, state.vms / ".trash-python-00000005")
    state.registry.write_bytes(b"")
    assert VmRepository(state).all() == RECORDS[1:]
    assert "1 VM." in caplog.text
    assert str(state.vm(vm_id(1)).folder) in caplog.text
    assert str(state.vm(vm_id(9)).folder) in caplog.text
    assert state.vm(vm_id(1)).folder.is_dir()


def rewrite(path: Path, change: Callable[[VmRecord], dict[str, object]]) -> bytes:
    data = msgspec.json.encode(change(msgspec.json.decode(path.read_bytes(), type=VmRecord)))
    path.write_bytes(data)
    return data


def test_a_newer_version_s_registry_is_left_alone(state: StatePaths) -> None:
    newer = state.registry.read_bytes().replace(b'"digest"', b'"colour": 1, "digest"')
    state.registry.write_bytes(newer)
    for method in (VmRepository(state).all, lambda: VmRepository(state).add(record(3))):
        with pytest.raises(RegistryError, match="newer era_kernel"):
            method()
    assert state.registry.read_bytes() == newer
    assert copies(state) == []
    assert not state.vm(vm_id(3)).folder.exists()


def test_a_broken_registry_with_a_newer_version_s_copies_is_left_alone(state: StatePaths) -> None:
    rewrite(state.vm(vm_id(1)).record, lambda kept: {**msgspec.to_builtins(kept), "colour": 1})
    state.registry.write_bytes(b"{")
    with pytest.raises(RegistryError, match="newer era_kernel"):
        VmRepository(state).all()
    assert state.registry.read_bytes() == b"{"
    assert copies(state) == []


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Root may read everything: become nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def reachable() -> Iterator[StatePaths]:
    """A state folder that nobody's process reaches (pytest's own are private)."""
    root = Path(tempfile.mkdtemp(prefix="era-test-"))
    state = open_state(root)
    VmRepository(state).add(record(1))
    if os.geteuid() == 0:
        for each in (root, *root.rglob("*")):
            os.chown(each, 65534, 65534)
    yield state
    shutil.rmtree(root)


def test_a_registry_that_may_not_be_read_is_left_alone(reachable: StatePaths) -> None:
    before = reachable.registry.read_bytes()
    reachable.registry.chmod(0)
    with unprivileged(), pytest.raises(RegistryError, match="Permission denied"):
        VmRepository(reachable).all()
    reachable.registry.chmod(0o600)
    assert reachable.registry.read_bytes() == before
    assert copies(reachable) == []


def test_a_folder_that_may_not_be_written_leaves_the_registry_alone(reachable: StatePaths) -> None:
    before = reachable.registry.read_bytes()
    reachable.root.chmod(0o500)
    try:
        with unprivileged(), pytest.raises(RegistryError, match=r"cannot be written: Permission denied"):
            VmRepository(reachable).update(vm_id(1), last_run=3.0)
    finally:
        reachable.root.chmod(0o700)
    assert reachable.registry.read_bytes() == before
