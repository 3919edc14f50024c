"""The service on real VMs: what a VM keeps, what it leaves, and what becomes of it when something is killed."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

import psutil
import pytest

from era_kernel import process
from era_kernel.errors import ImageError
from era_kernel.models import ExecResult, VmState
from era_kernel.paths import StatePaths, open_state
from era_kernel.service.manager import Manager
from era_kernel.service.results import Outcome
from tests.unit.service.support import Collected, eventually, ignore, left_over

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(400)]

SPAWN = multiprocessing.get_context("spawn")
COMMAND_SECONDS = 60.0


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StatePaths]:
    """A state folder, of whose VMs nothing may be left after a clean of all."""
    opened = open_state(tmp_path / "state")
    yield opened
    assert [outcome for outcome in Manager(opened).clean(None) if outcome.error is not None] == []
    assert eventually(lambda: left_over(opened) == {}), left_over(opened)


@pytest.fixture
def manager(state: StatePaths) -> Manager:
    return Manager(state)


def run(manager: Manager, vm_id: str, command: str, timeout: float = COMMAND_SECONDS) -> tuple[ExecResult, str]:
    output = Collected()
    [result] = asyncio.run(manager.execute([vm_id], command, timeout=timeout, output=output))
    assert isinstance(result, ExecResult), result
    return result, output.texts.get((vm_id, 1), b"").decode()


def hypervisors(vm_id: str) -> list[int]:
    """The pids of all that runs a VM, jailed or not: its id is on their command lines."""
    return [
        each.pid
        for each in psutil.process_iter(["name", "cmdline", "status"])
        if each.info["name"].startswith(("qemu", "bwrap"))
        and each.info["status"] != psutil.STATUS_ZOMBIE
        and vm_id in (each.info["cmdline"] or [])
    ]


def test_a_vm_from_its_making_to_its_end(manager: Manager, state: StatePaths) -> None:
    made = manager.create("python", persist=True)
    write = "uname -s; echo kept > /root/file; echo safe > /persist/file; id -u"
    assert run(manager, made.id, write) == (ExecResult(made.id, 0), "Linux\n0\n")
    assert manager.stop([made.id]) == [Outcome(made.id)]
    assert [view.record.state for view in manager.list(include_stopped=True)] == [VmState.STOPPED]
    assert manager.start(made.id).state is VmState.READY
    assert run(manager, made.id, "cat /root/file /persist/file") == (ExecResult(made.id, 0), "kept\nsafe\n")
    [view] = manager.list()
    assert view.mem_used is not None
    assert 0 < view.mem_used <= made.spec.mem
    assert manager.clean([made.id]) == [Outcome(made.id)]
    assert left_over(state) == {}


def test_an_image_that_is_not_there_leaves_nothing(manager: Manager, state: StatePaths) -> None:
    with pytest.raises(ImageError, match="localhost/no/such"):
        manager.create("python", image="localhost/no/such")
    assert left_over(state) == {}


def test_commands_end_in_time_as_they_ended(manager: Manager) -> None:
    made = manager.create("python")
    assert run(manager, made.id, "exit 7")[0].status == 7
    assert run(manager, made.id, "kill -9 $$")[0].status == 137
    before = time.monotonic()
    late, out = run(manager, made.id, "trap '' TERM; echo begun; setsid sleep 98765 & sleep 98765", timeout=3)
    assert (late.status, late.timed_out, out) == (124, True, "begun\n")
    assert time.monotonic() - before < 20
    assert run(manager, made.id, "pgrep -f '[9]8765'")[0].status == 1


def test_memory_that_runs_out_ends_the_command_and_not_the_vm(manager: Manager) -> None:
    made = manager.create("python", mem=256)
    greedy, _ = run(
        manager, made.id, "exec python3 -c 'x = bytearray(1 << 30)\nfor i in range(0, 1 << 30, 4096): x[i] = 1'"
    )
    assert greedy.status != 0
    assert run(manager, made.id, "echo well")[1] == "well\n"


def test_a_killed_shim_leaves_a_stopped_vm_and_no_hypervisor(manager: Manager, state: StatePaths) -> None:
    made = manager.create("python")
    run(manager, made.id, "echo kept > /root/file; sync")
    assert hypervisors(made.id)
    assert made.shim is not None
    assert process.send_signal(made.shim, signal.SIGKILL)
    assert process.wait_gone(made.shim, 10)
    [view] = manager.list(include_stopped=True)
    assert view.record.state is VmState.STOPPED
    assert eventually(lambda: hypervisors(made.id) == [])
    manager.start(made.id)
    assert run(manager, made.id, "cat /root/file")[1] == "kept\n"


def ask_for_kernel_vm(root: Path, together: Barrier, answer: Connection) -> None:
    together.wait(60)
    answer.send(Manager(StatePaths(root)).kernel_vm("python").id)


def test_two_kernels_at_once_get_one_vm(manager: Manager, state: StatePaths) -> None:
    together = SPAWN.Barrier(2)
    pipes = [SPAWN.Pipe(duplex=False) for _ in range(2)]
    workers = [SPAWN.Process(target=ask_for_kernel_vm, args=(state.root, together, theirs)) for _, theirs in pipes]
    for worker in workers:
        worker.start()
    assert all(ours.poll(200) for ours, _ in pipes)
    first, second = (ours.recv() for ours, _ in pipes)
    for worker in workers:
        worker.join(30)
    assert first == second
    assert [view.record.id for view in manager.list(include_stopped=True)] == [first]


def test_a_temp_vm_is_gone_after_its_command(manager: Manager, state: StatePaths) -> None:
    output = Collected()
    result = asyncio.run(manager.temp("python", "python3 -c 'print(6 * 7)'", timeout=COMMAND_SECONDS, output=output))
    assert (result.status, output.texts) == (0, {(result.vm_id, 1): b"42\n"})
    assert left_over(state) == {}
    late = asyncio.run(manager.temp("python", "sleep 100", timeout=2, output=ignore))
    assert late.status == 124
    assert left_over(state) == {}


def create_one(root: Path, begun: Connection) -> None:
    begun.send(None)
    Manager(StatePaths(root)).create("python")


MOMENTS = ["", "disk.qcow2", "boot.json", "shim.log"]
"""What is there of a VM when its maker is ended: its folder, its disk, its plan, its shim."""


def wait_for(state: StatePaths, moment: str) -> None:
    """Until that much of a VM is there, looked for so often that its maker is not done meanwhile."""
    deadline = time.monotonic() + 60
    while not list(state.vms.glob(f"python-*/{moment}" if moment else "python-*")):
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupted_creation_leaves_nothing(state: StatePaths, moment: str) -> None:
    """Ctrl-C: nobody has to look for what it left."""
    ours, theirs = SPAWN.Pipe(duplex=False)
    worker = SPAWN.Process(target=create_one, args=(state.root, theirs))
    worker.start()
    assert ours.poll(60)
    wait_for(state, moment)
    ids = [folder.name for folder in state.vms.glob("python-*")]
    assert worker.pid is not None
    assert process.send_signal(process.identify(worker.pid), signal.SIGINT)
    worker.join(60)
    assert worker.exitcode == 1
    assert eventually(lambda: left_over(state) == {}), left_over(state)
    assert eventually(lambda: not any(map(hypervisors, ids)))


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_creation_leaves_nothing(manager: Manager, state: StatePaths, moment: str) -> None:
    ours, theirs = SPAWN.Pipe(duplex=False)
    worker = SPAWN.Process(target=create_one, args=(state.root, theirs))
    worker.start()
    assert ours.poll(60)
    wait_for(state, moment)
    killed_half_way = worker.is_alive()
    worker.kill()
    worker.join(10)
    assert killed_half_way
    ids = [folder.name for folder in state.vms.glob("python-*")]
    assert manager.list(include_stopped=True) == []
    assert eventually(lambda: left_over(state) == {}), left_over(state)
    assert eventually(lambda: not any(map(hypervisors, ids)))


def test_two_vms_work_side_by_side(manager: Manager) -> None:
    first, second = (manager.create("python").id for _ in range(2))
    output = Collected()
    results = asyncio.run(manager.execute([first, second], "hostname", timeout=COMMAND_SECONDS, output=output))
    assert results == [ExecResult(first, 0), ExecResult(second, 0)]
    assert output.texts == {(first, 1): f"{first}\n".encode(), (second, 1): f"{second}\n".encode()}
