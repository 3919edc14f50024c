"""Boots in a row: each comes up, answers, and goes down. ERA_BOOTS=100 for the long run; CI does 20."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

import pytest

from era_kernel.loop import run_async
from era_kernel.models import ExecResult
from era_kernel.paths import open_state
from era_kernel.service.manager import Manager

BOOTS = int(os.environ.get("ERA_BOOTS", "20"))

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(60 + 60 * BOOTS)]


def test_boots_in_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manager = Manager(open_state(tmp_path / "state"))
    vm_id = manager.create("python").id
    seconds = []
    try:
        for number in range(BOOTS):
            manager.stop([vm_id], power_off=True)
            start = time.monotonic()
            manager.start(vm_id)
            seconds.append(time.monotonic() - start)
            said: list[bytes] = []
            command = f"echo {number} >>/root/boots; wc -l </root/boots"
            results = run_async(
                lambda command=command, said=said: manager.execute(  # type: ignore[misc]
                    [vm_id], command, timeout=60, output=lambda vm, fd, data: said.append(data)
                )
            )
            assert isinstance(results[0], ExecResult)
            assert results[0].status == 0
            assert int(b"".join(said)) == number + 1, "a file that was written before a stop is gone"
    finally:
        manager.clean([vm_id])
    with capsys.disabled():
        print(f"\n{BOOTS} boots: median {statistics.median(seconds):.1f} s, longest {max(seconds):.1f} s")
