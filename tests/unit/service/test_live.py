"""The listing: what VMs do now."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from era_kernel import process
from era_kernel.errors import UsageError
from era_kernel.models import VmState
from era_kernel.paths import StatePaths
from era_kernel.service.live import used_mib
from era_kernel.service.manager import Manager
from era_kernel.shim.client import ShimClient
from tests.unit.service.support import IMAGE


def test_an_empty_state_folder_has_no_vms(manager: Manager) -> None:
    assert manager.list(include_stopped=True) == []


def test_views_are_oldest_first_and_hide_stopped_vms_unless_asked(manager: Manager) -> None:
    first, second, third = (manager.create("python", image=IMAGE).id for _ in range(3))
    manager.stop([second])

    def ids(status: str | None = None, include_stopped: bool = False) -> list[str]:
        return [view.record.id for view in manager.list(status, include_stopped)]

    assert ids() == [first, third]
    assert ids(include_stopped=True) == [first, second, third]
    assert ids("stopped") == [second]
    assert ids("ready") == [first, third]
    assert ids("running", include_stopped=True) == []


def test_an_unknown_status_names_the_known_ones(manager: Manager) -> None:
    with pytest.raises(UsageError, match="provisioning, ready, running, stopped"):
        manager.list("paused")


def test_an_idle_vm_is_ready_and_gives_figures(manager: Manager) -> None:
    made = manager.create("python", image=IMAGE)
    [view] = manager.list()
    assert view.record == made
    assert view.uptime is not None
    assert 0 <= view.uptime < 60
    assert view.mem_used is not None
    assert 0 <= view.mem_used <= made.spec.mem


@pytest.mark.asyncio
async def test_a_vm_with_a_process_in_it_is_running(manager: Manager, state: StatePaths) -> None:
    """Asked from within a running loop, as a notebook does."""
    made = manager.create("python", image=IMAGE)
    client = await ShimClient.connect(state.vm(made.id))
    guest = await client.spawn(["/bin/sleep", "60"], lambda fd, data: None)
    views = await asyncio.to_thread(manager.list, "running")
    assert [view.record.state for view in views] == [VmState.RUNNING]
    assert manager.get(made.id).state is VmState.READY
    guest.signal(signal.SIGKILL)
    await guest.wait()
    assert [view.record.state for view in manager.list()] == [VmState.READY]
    await client.close()


def test_a_vm_that_does_not_answer_is_shown_as_ready_in_time(manager: Manager) -> None:
    made, other = (manager.create("python", image=IMAGE) for _ in range(2))
    assert made.shim is not None
    process.send_signal(made.shim, signal.SIGSTOP)
    before = time.monotonic()
    views = manager.list()
    assert time.monotonic() - before < 6
    assert [(view.record.state, view.uptime is None) for view in views] == [
        (VmState.READY, True),
        (VmState.READY, False),
    ]
    process.send_signal(made.shim, signal.SIGCONT)
    assert {view.record.id for view in manager.list()} == {made.id, other.id}


@pytest.mark.asyncio
async def test_sessions_are_counted_apart_from_commands(manager: Manager, state: StatePaths) -> None:
    made = manager.create("python", image=IMAGE)
    client = await ShimClient.connect(state.vm(made.id))
    for driver in (True, False):
        await client.spawn(["/bin/sleep", "60"], lambda fd, data: None, driver=driver)
    [view] = await asyncio.to_thread(manager.list)
    assert view.sessions == 1
    await client.close()


@pytest.mark.asyncio
async def test_the_processor_time_of_a_vm_is_its_vmms_and_its_childrens(manager: Manager, state: StatePaths) -> None:
    busy, idle, stopped = [manager.create("python", image=IMAGE) for _ in range(3)]
    await asyncio.to_thread(manager.stop, [stopped.id])
    client = await ShimClient.connect(state.vm(busy.id))
    await client.spawn(["/bin/sh", "-c", "while :; do :; done"], lambda fd, data: None)
    await asyncio.sleep(1)
    used = manager.cpu_seconds([busy, idle, stopped])
    assert set(used) == {busy.id, idle.id}
    assert used[busy.id] > used[idle.id] + 0.2
    await client.close()


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(128, 1 << 20))
def test_a_guest_cannot_claim_more_memory_than_it_was_given(total: int, available: int, limit: int) -> None:
    assert 0 <= used_mib(total, available, limit) <= limit
