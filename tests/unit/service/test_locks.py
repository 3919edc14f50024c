"""One action at a time, between threads and processes; a dead holder holds nothing."""

from __future__ import annotations

import multiprocessing
import stat
import threading
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from era_kernel.errors import StateFolderError
from era_kernel.paths import StatePaths
from era_kernel.service.locks import VmBusyError, language_lock, vm_lock, vm_lock_path

VM = "python-00000001"


def hold(root: Path, held: Event) -> None:
    with vm_lock(StatePaths(root), VM):
        held.set()
        time.sleep(600)


def test_the_lock_of_a_killed_process_is_free(state: StatePaths) -> None:
    spawn = multiprocessing.get_context("spawn")
    held = spawn.Event()
    holder = spawn.Process(target=hold, args=(state.root, held))
    holder.start()
    assert held.wait(60)
    with pytest.raises(VmBusyError, match=VM), vm_lock(state, VM, wait=0.1):
        pass
    holder.kill()
    holder.join(10)
    with vm_lock(state, VM, wait=1):
        pass


def test_threads_exclude_each_other(state: StatePaths) -> None:
    inside = 0
    most = 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(5):
            with vm_lock(state, VM):
                inside += 1
                most = max(most, inside)
                time.sleep(0.001)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == 1


def test_vms_do_not_wait_for_each_other(state: StatePaths) -> None:
    with vm_lock(state, VM, wait=0), vm_lock(state, "python-00000002", wait=0):
        pass


def test_locks_are_private(state: StatePaths) -> None:
    with vm_lock(state, VM):
        assert stat.S_IMODE(vm_lock_path(state, VM).stat().st_mode) == 0o600
        assert stat.S_IMODE(vm_lock_path(state, VM).parent.stat().st_mode) == 0o700


def test_a_long_wait_for_a_language_is_reported_and_ends(state: StatePaths) -> None:
    lines: list[str] = []
    with language_lock(state, "python", lines.append):
        assert lines == []
        with pytest.raises(VmBusyError, match=r"kernel-python\.lock"), language_lock(
            state, "python", lines.append, wait=0.05
        ):  # fmt: skip
            pass
    assert len(lines) == 1


def test_a_folder_that_cannot_be_made_is_an_error_for_people(state: StatePaths) -> None:
    (state.root / "locks").write_bytes(b"")
    with pytest.raises(StateFolderError, match="locks"), vm_lock(state, VM):
        pass
