"""`era` with a service whose "VMs" are processes of this host, and which says what was done with them.

It stands in for VMs where the command line is tested: streams, labels, statuses, signals.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from era_kernel.cli.app import run
from era_kernel.errors import BootError, UnknownVmError, VmLostError
from era_kernel.models import ExecResult, Purpose, VmRecord, VmSpec, VmState
from era_kernel.paths import open_state
from era_kernel.service.manager import Manager, Outcome, Output, Progress, VmView

Views = list[VmView]
Results = list[ExecResult | Outcome]
ALL = ("python-0000000a", "python-0000000b", "python-0000000c")


class ToyManager(Manager):
    def __init__(self, runtime: str | None, report: Progress) -> None:
        super().__init__(open_state(), runtime, report)
        self.runtime = runtime
        self.report = report

    def create(self, language: str, **options: Any) -> VmRecord:
        self.report("making a disk")
        self.report("booting\x1b[31m")
        if language == "broken":
            raise BootError("The guest\nhangs", "Try again.", console="last words\nof the kernel")
        if language == "bug":
            raise ZeroDivisionError("1/0")
        if language == "slow":
            try:
                print("up", file=sys.stderr, flush=True)
                time.sleep(60)
            finally:
                self.note("undone")
        self.note(f"runtime={self.runtime} {sorted(options.items())}")
        return _record(f"{language}-0000000a")

    def start(self, vm_id: str) -> VmRecord:
        if vm_id not in ALL:
            raise UnknownVmError(vm_id)
        return _record(vm_id)

    def list(self, status: str | None = None, include_stopped: bool = False) -> Views:
        assert status == VmState.STOPPED
        return [VmView(_record(vm_id)) for vm_id in ALL]

    async def execute(
        self,
        vm_ids: Sequence[str] | None,
        command: str | None,
        *,
        timeout: float,
        output: Output,
        files: Sequence[Path] = (),
    ) -> Results:
        ids = ALL if vm_ids is None else vm_ids
        assert command is not None
        return list(await asyncio.gather(*(self._one(vm_id, command, timeout, output) for vm_id in ids)))

    async def temp(
        self, language: str, command: str | None, *, timeout: float, output: Output, **options: Any
    ) -> ExecResult:
        self.report("making a VM")
        assert command is not None
        try:
            result = await self._one(ALL[0], command, timeout, output)
            assert isinstance(result, ExecResult)
            return result
        finally:
            self.note("cleaned")

    async def _one(self, vm_id: str, command: str, timeout: float, output: Output) -> ExecResult | Outcome:
        if vm_id not in ALL:
            return Outcome(vm_id, VmLostError(f"{vm_id} went away", "Start it."))
        environment = {**os.environ, "VM": vm_id}
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", "--", command, stdout=pipe, stderr=pipe, env=environment, start_new_session=True
        )
        try:
            async with asyncio.timeout(timeout):
                assert process.stdout is not None
                assert process.stderr is not None
                await asyncio.gather(_pass(process.stdout, vm_id, 1, output), _pass(process.stderr, vm_id, 2, output))
                return ExecResult(vm_id, await process.wait(), oom=command == "exit 137")
        except TimeoutError:
            return ExecResult(vm_id, 124, timed_out=True)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()
            self.note(f"{vm_id} ended")

    def note(self, text: str) -> None:
        """What the test reads afterwards."""
        with (self.state.root / "notes").open("a") as file:
            file.write(f"{text}\n")


async def _pass(stream: asyncio.StreamReader, vm_id: str, fd: int, output: Output) -> None:
    while data := await stream.read(65536):
        output(vm_id, fd, data)


def _record(vm_id: str) -> VmRecord:
    spec = VmSpec(language="python", image="localhost/era/python")
    return VmRecord(vm_id, spec, Purpose.USER, "toy", "sha256:0", created=0.0, state=VmState.STOPPED)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], ToyManager))
