"""Several VMs at once, from threads and from a running loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from era_kernel.errors import StateFolderError, UnknownVmError
from era_kernel.loop import run_async
from era_kernel.service.loop import side_by_side
from era_kernel.service.results import Outcome


def test_actions_run_side_by_side_and_fail_apart() -> None:
    together = threading.Barrier(3, timeout=10)
    unknown = UnknownVmError("b")

    def action(vm_id: str) -> None:
        together.wait()
        if vm_id == "b":
            raise unknown
        if vm_id == "c":
            raise PermissionError(13, "Permission denied")

    first, second, third = side_by_side(["a", "b", "c", "a"], action)
    assert (first, second) == (Outcome("a"), Outcome("b", unknown))
    assert third.vm_id == "c"
    assert isinstance(third.error, StateFolderError)
    assert "Permission denied" in str(third.error)


def test_nothing_to_do_is_nothing_done() -> None:
    assert side_by_side([], lambda vm_id: pytest.fail(vm_id)) == []


@pytest.mark.asyncio
async def test_a_coroutine_runs_while_the_caller_s_loop_does() -> None:
    async def answer() -> int:
        await asyncio.sleep(0)
        return 7

    assert run_async(answer) == 7


def test_what_a_coroutine_raises_is_raised() -> None:
    async def fail() -> None:
        raise UnknownVmError("x")

    with pytest.raises(UnknownVmError):
        run_async(fail)
