"""A VM that is stopped keeps its memory: its sessions go on with their variables, or it boots, and nothing between."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from era_kernel.errors import VmLostError
from era_kernel.launchers import qemu
from era_kernel.loop import run_async
from era_kernel.models import VmState
from era_kernel.paths import StatePaths
from era_kernel.service.manager import Manager
from era_kernel.shim.snapshot import mark, read_record, write_record
from tests.vm.session import Cells

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(300)]


def snapshot(manager: Manager) -> bool:
    (view,) = manager.list(include_stopped=True)
    assert view.record.state is VmState.STOPPED
    return view.snapshot


def stop(manager: Manager, vm_id: str, *, power_off: bool = False) -> None:
    (outcome,) = manager.stop([vm_id], power_off=power_off)
    assert outcome.error is None


def test_variables_come_back(manager: Manager, state: StatePaths, said: list[str]) -> None:
    vm_id = manager.create("python").id
    paths = state.vm(vm_id)

    async def notebook() -> None:
        cells = await Cells.open(paths)
        await cells.run("import threading, time\nx = [41]\nseconds = time.time()")
        for number in range(3):
            await asyncio.to_thread(stop, manager, vm_id)
            assert cells.session.paused
            assert await asyncio.to_thread(snapshot, manager)
            await asyncio.to_thread(manager.start, vm_id)
            cells.client = await cells.session.resume(paths)
            assert await cells.run("x[0] += 1; print(x, 0 <= time.time() - seconds < 120)") == f"[{42 + number}] True\n"
        await cells.client.close()
        assert not paths.snapshot.exists(), "taken up"
        assert not paths.snapshot_record.exists()

    run_async(notebook)
    assert not any("booting" in line for line in said)


def test_a_cell_that_ran_is_interrupted_and_its_variables_are_there(manager: Manager, state: StatePaths) -> None:
    vm_id = manager.create("python").id
    paths = state.vm(vm_id)

    async def notebook() -> None:
        cells = await Cells.open(paths)
        running = asyncio.create_task(cells.run("n = 0\nwhile True:\n    n += 1\n    if n % 50000 == 0: print(n)"))
        await asyncio.sleep(1)
        await asyncio.to_thread(stop, manager, vm_id)
        with pytest.raises(VmLostError):
            await running
        await asyncio.to_thread(manager.start, vm_id)
        cells.client = await cells.session.resume(paths)
        assert (await cells.run("print(n > 0)")).endswith("True\n")
        await cells.client.close()

    run_async(notebook)


def test_sessions_of_those_who_left_meanwhile_end(manager: Manager, state: StatePaths) -> None:
    vm_id = manager.create("python").id

    async def leave() -> None:
        cells = await Cells.open(state.vm(vm_id))
        await cells.client.close()

    run_async(leave)
    stop(manager, vm_id)
    manager.start(vm_id)
    (view,) = manager.list()
    assert view.record.state is VmState.READY, "no process of anybody's is left in it"


def test_power_off_keeps_the_disk_alone(manager: Manager, state: StatePaths, said: list[str]) -> None:
    vm_id = manager.create("python").id

    async def write() -> None:
        cells = await Cells.open(state.vm(vm_id))
        await cells.run("open('/root/kept', 'w').write('kept'); open('/dev/shm/gone', 'w').close()")
        await cells.client.close()

    async def look() -> str:
        cells = await Cells.open(state.vm(vm_id))
        printed = await cells.run("import os; print(open('/root/kept').read(), os.listdir('/dev/shm'))")
        await cells.client.close()
        return printed

    run_async(write)
    stop(manager, vm_id, power_off=True)
    assert not snapshot(manager)
    manager.start(vm_id)
    assert run_async(look) == "kept []\n"
    stop(manager, vm_id)
    stop(manager, vm_id, power_off=True)
    assert snapshot(manager), "what is stopped already is left as it is"


def test_one_of_another_version_is_not_loaded(
    manager: Manager, state: StatePaths, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    vm_id = manager.create("python").id
    stop(manager, vm_id)
    monkeypatch.setattr(qemu, "__version__", "0.0.0-another")
    manager.start(vm_id)
    assert any("another version" in line for line in said), said
    assert any("booting" in line for line in said)
    assert not state.vm(vm_id).snapshot.exists()


def test_one_that_the_hypervisor_cannot_load_is_thrown_away(
    manager: Manager, state: StatePaths, said: list[str]
) -> None:
    vm_id = manager.create("python").id
    stop(manager, vm_id)
    paths = state.vm(vm_id)
    record = read_record(paths)
    paths.snapshot.write_bytes(b"no state at all" * 1000)
    write_record(paths, msgspec.structs.replace(record, state=mark(paths.snapshot)))
    manager.start(vm_id)
    assert any("thrown away" in line for line in said), said
    assert any("booting" in line for line in said)
