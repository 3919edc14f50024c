"""A VM is made and up, or nothing of it is there."""

from __future__ import annotations

import os
import re
import stat
import threading
import time
from pathlib import Path

import msgspec
import pytest

from era_kernel import process
from era_kernel.errors import BootError, ImageError, LauncherError, LimitError, RegistryError, UsageError
from era_kernel.launchers.base import BootPlan
from era_kernel.models import Network, Purpose, VmRecord, VmSpec, VmState
from era_kernel.paths import StatePaths
from era_kernel.service.context import Context
from era_kernel.service.create import CancelledCreationError, create_vm
from era_kernel.service.limits import check_request
from era_kernel.service.manager import Manager
from tests.fakes.agent_vm import AgentLauncher, install
from tests.unit.service.support import IMAGE, eventually, left_over, processes_of


def test_a_vm_is_made_and_up(manager: Manager, state: StatePaths) -> None:
    before = time.time()
    record = manager.create("py", image=IMAGE, mem=512)
    assert re.fullmatch(r"python-[0-9a-f]{8}", record.id)
    assert record.spec == VmSpec("python", IMAGE, 1, 512, Network.NONE, False)
    assert (record.state, record.purpose, record.launcher, record.owner) == (VmState.READY, Purpose.USER, "agent", None)
    assert record.digest.startswith("sha256:")
    assert before <= record.created <= time.time()
    assert process.is_alive(record.shim)
    assert process.is_alive(record.vmm)
    assert manager.get(record.id) == record


def test_its_files_are_private(manager: Manager, state: StatePaths) -> None:
    record = manager.create("python", image=IMAGE, persist=True)
    paths = state.vm(record.id)
    assert {stat.S_IMODE(each.stat().st_mode) for each in (paths.folder, paths.persist)} == {0o700}
    assert {stat.S_IMODE(each.stat().st_mode) for each in (paths.record, paths.boot_plan)} == {0o600}
    assert msgspec.json.decode(paths.boot_plan.read_bytes(), type=BootPlan).vm_id == record.id
    assert msgspec.json.decode(paths.record.read_bytes(), type=VmRecord) == record


def test_progress_is_reported(manager: Manager, state: StatePaths) -> None:
    lines: list[str] = []
    record = Manager(state, report=lines.append).create("python", image=IMAGE)
    assert lines == [f"booting {record.id}"]


@pytest.mark.parametrize("wrong", [{"cpu": 0}, {"mem": 1}, {"network": "bridge"}, {"image": "No Image"}])
def test_what_cannot_be_is_refused_before_anything_is_made(
    manager: Manager, state: StatePaths, wrong: dict[str, object]
) -> None:
    with pytest.raises((UsageError, LimitError)):
        manager.create("python", **wrong)  # type: ignore[arg-type]
    assert left_over(state) == {}


def test_a_launcher_that_is_not_known_is_refused(state: StatePaths) -> None:
    with pytest.raises(UsageError, match="qemu"):
        Manager(state, runtime="vmware").create("python", image=IMAGE)
    assert left_over(state) == {}


FAILURES = [
    ImageError("no image"),
    LauncherError("no"),
    OSError(28, "No space left"),
    KeyboardInterrupt(),
    SystemExit(1),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_nothing_stays_of_a_vm_that_could_not_be_made(
    state: StatePaths, agent_binary: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    def fail(record: VmRecord) -> None:
        assert state.vm(record.id).disk.exists()
        assert state.vm(record.id).persist_disk.exists()
        assert Manager(state).get(record.id).state is VmState.PROVISIONING
        raise failure

    install(AgentLauncher([str(agent_binary)], fail), monkeypatch)
    with pytest.raises(type(failure)):
        Manager(state).create("python", image=IMAGE, persist=True)
    assert left_over(state) == {}


def test_nothing_stays_of_a_vm_that_did_not_boot(state: StatePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    install(AgentLauncher(["sh", "-c", "echo 'no such disk' >&2; exit 1"]), monkeypatch)
    with pytest.raises(BootError) as caught:
        Manager(state).create("python", image=IMAGE, persist=True)
    assert "no such disk" in caught.value.console
    assert eventually(lambda: left_over(state) == {}), left_over(state)


def test_nothing_stays_when_the_registry_cannot_take_the_vm(manager: Manager, state: StatePaths) -> None:
    state.registry.write_bytes(b'{"vms": {}, "of the future": {}}')
    with pytest.raises(RegistryError, match="newer"):
        manager.create("python", image=IMAGE)
    state.registry.unlink()
    assert left_over(state) == {}


def test_a_vm_that_came_up_and_cannot_be_recorded_does_not_run_on(
    state: StatePaths, agent_binary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[bytes] = []

    def spoil(record: VmRecord) -> None:
        kept.append(state.registry.read_bytes())
        state.registry.write_bytes(b'{"vms": {}, "of the future": {}}')

    install(AgentLauncher([str(agent_binary)], spoil), monkeypatch)
    with pytest.raises(RegistryError, match="newer"):
        Manager(state).create("python", image=IMAGE)
    assert processes_of(state) == []
    state.registry.write_bytes(kept[0])
    assert Manager(state).list(include_stopped=True) == []
    assert left_over(state) == {}


def test_a_vm_that_is_no_longer_wanted_is_undone(manager: Manager, state: StatePaths, context: Context) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(CancelledCreationError):
        create_vm(context, check_request("python", image=IMAGE), cancelled)
    assert left_over(state) == {}


def test_a_temp_vm_knows_whom_it_is_for(manager: Manager) -> None:
    record = manager.create("python", image=IMAGE, purpose=Purpose.TEMP)
    assert record.owner == process.identify(os.getpid())
    assert process.is_alive(record.shim)
