"""What takes all processes or all memory of a VM is told, ended, and blamed on nobody else."""

from __future__ import annotations

import time

import pytest

from era_kernel.loop import run_async
from era_kernel.models import ExecResult, VmRecord
from era_kernel.paths import StatePaths
from era_kernel.service.manager import Manager
from tests.unit.service.support import Collected
from tests.vm.session import Cells

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(240)]

BOMB = "b() { b | b & }; b; wait"
COUNT = "cat /sys/fs/cgroup/era/*/cgroup.procs | wc -l"
HOG = "python3 -c 'kept = []\nwhile True: kept.append(bytearray(1 << 20))'; echo status $?"
CALM_SECONDS = 30.0


def run(manager: Manager, record: VmRecord, command: str) -> tuple[str, str]:
    """What a command prints, on both streams."""
    output = Collected()
    (result,) = run_async(lambda: manager.execute([record.id], command, timeout=60, output=output))
    assert isinstance(result, ExecResult), result
    return tuple(output.texts.get((record.id, fd), b"").decode() for fd in (1, 2))  # type: ignore[return-value]


def test_a_bomb_that_outlives_its_command_is_ended(manager: Manager) -> None:
    record = manager.create("bash")
    run(manager, record, f"bash -c '{BOMB}' >/dev/null 2>&1")
    deadline = time.monotonic() + CALM_SECONDS
    seen = [int(run(manager, record, COUNT)[0])]
    while seen[-1] > 20 or max(seen) < 20:
        assert time.monotonic() < deadline, seen
        seen.append(int(run(manager, record, COUNT)[0]))


def test_a_program_that_is_killed_for_lack_of_memory_is_named(manager: Manager) -> None:
    record = manager.create("python")
    out, err = run(manager, record, f"{HOG}; sleep 1")
    assert out == "status 137\n"
    assert "era: the VM ran out of its 256 MiB, and a process was ended\n" in err


def test_what_was_started_ahead_is_in_its_session_s_cgroup_with_its_children(
    manager: Manager, state: StatePaths
) -> None:
    """Bash's driver has started its shell before anybody asked for a session."""
    record = manager.create("bash")

    async def places() -> list[str]:
        cells = await Cells.open(state.vm(record.id), "bash")
        found = await cells.run("cut -d: -f3 /proc/self/cgroup /proc/$$/cgroup /proc/$PPID/cgroup")
        await cells.client.close()
        return found.split()

    found = run_async(places)
    assert len(found) == 3
    assert len(set(found)) == 1
    assert found[0].startswith("/era/")
    assert found[0] != "/era/0"
