"""What can be done with VMs: the only door for command line, kernel and panel."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from era_kernel.errors import UsageError
from era_kernel.models import ExecResult, Purpose, VmRecord, VmState
from era_kernel.paths import StatePaths
from era_kernel.progress import Report
from era_kernel.service.results import Outcome, Outcomes, Output, Results, RunRecord, TerminalOutput, Views, VmView

if TYPE_CHECKING:
    from era_kernel.service.cache import CacheEntry
    from era_kernel.service.context import Context
    from era_kernel.service.program import Program

__all__ = ["Manager", "Outcome", "Output", "Progress", "VmView"]

Progress = Report
logger = logging.getLogger(__name__)


def log(line: str) -> None:
    """Progress for those who do not show it."""
    logger.info("%s", line)


class Manager:
    """The VMs of a state folder. Opening one is cheap; threads and processes may each have one on the same folder.

    Every method may raise RegistryError and StateFolderError.
    """

    def __init__(self, state: StatePaths, runtime: str | None = None, report: Progress = log) -> None:
        self.state = state
        self._runtime = runtime
        self._report = report

    @cached_property
    def _context(self) -> Context:
        from era_kernel.service.context import Context
        from era_kernel.store.repository import VmRepository

        return Context(self.state, VmRepository(self.state), self._runtime, self._report)

    def create(
        self,
        language: str,
        *,
        image: str | None = None,
        cpu: int | None = None,
        mem: int | None = None,
        network: str | None = None,
        persist: bool | None = None,
        purpose: Purpose = Purpose.USER,
    ) -> VmRecord:
        """Make a VM and bring it up (`mem` in MiB; None: as configured); nothing of it stays when that fails.

        Raises UnknownLanguageError, LimitError, UsageError, LauncherError, ImageError, ToolError, BootError.
        """
        from era_kernel.service.create import create_vm
        from era_kernel.service.limits import check_request

        request = check_request(
            language, image=image, cpu=cpu, mem=mem, network=network, persist=persist, purpose=purpose
        )
        return create_vm(self._context, request)

    def start(self, vm_id: str) -> VmRecord:
        """Bring a stopped VM up again, its sessions going on where they were; does nothing to one that is up.

        Raises UnknownVmError, VmStateError, LauncherError, ImageError, ToolError, BootError.
        """
        from era_kernel.service.actions import start_vm

        return start_vm(self._context, vm_id)

    def get(self, vm_id: str) -> VmRecord:
        """What the registry holds of a VM. Raises UnknownVmError."""
        return self._context.repository.get(vm_id)

    def list(self, status: str | None = None, include_stopped: bool = False) -> Views:
        """The VMs as they are now, oldest first: those in the state `status`, else those that are not stopped, or all.

        Raises UsageError for an unknown status.
        """
        from era_kernel.service.live import look
        from era_kernel.service.reconcile import reconcile

        if status is not None and status not in set(VmState):
            raise UsageError(f"Unknown status {status!r}", f"Choose one of {', '.join(VmState)}.")
        views = look(self.state, reconcile(self._context))
        if status is not None:
            return [view for view in views if view.record.state == status]
        return [view for view in views if include_stopped or view.record.state is not VmState.STOPPED]

    def cpu_seconds(self, records: Iterable[VmRecord]) -> dict[str, float]:
        """Seconds of processor time of the host that each VM that is up has used so far, by id."""
        from era_kernel.service.cpu import cpu_seconds

        return cpu_seconds(records)

    def stop(self, vm_ids: Sequence[str] | None, *, power_off: bool = False) -> Outcomes:
        """Stop VMs (None: all), side by side; their disks stay, and their memory unless `power_off`.

        One that is stopped already is no error.
        """
        from era_kernel.service.actions import stop_vm

        return self._each(vm_ids, lambda vm_id: stop_vm(self._context, vm_id, keep_memory=not power_off))

    def clean(self, vm_ids: Sequence[str] | None, *, keep_persist: bool = False) -> Outcomes:
        """Stop VMs (None: all) and remove all that there is of them, their persistent disks unless `keep_persist`."""
        from era_kernel.service.actions import clean_vm

        return self._each(vm_ids, lambda vm_id: clean_vm(self._context, vm_id, keep_persist=keep_persist))

    def _each(self, vm_ids: Sequence[str] | None, action: Callable[[str], None]) -> Outcomes:
        from era_kernel.service.loop import side_by_side
        from era_kernel.service.reconcile import reconcile

        known = [record.id for record in reconcile(self._context)]
        return side_by_side(known if vm_ids is None else vm_ids, action)

    def kernel_vm(self, language: str, **options: Any) -> VmRecord:
        """The language's VM for notebooks, up: found, started or made. Two processes that ask at once get the same.

        `options` (image, cpu, mem, network, persist) count only when it has to be made. Raises as create() and start().
        """
        from era_kernel.service.actions import kernel_vm
        from era_kernel.service.limits import check_request

        return kernel_vm(self._context, check_request(language, purpose=Purpose.KERNEL, **options))

    def own_vm(self, language: str, **options: Any) -> VmRecord:
        """A new VM for this process alone, as configured but for `options`. It is gone soon after its last client left,
        and after this process ended, however that ended. Raises as create().
        """
        from era_kernel.service.actions import own_vm
        from era_kernel.service.limits import check_request

        return own_vm(self._context, check_request(language, purpose=Purpose.TEMP, **options))

    def cache(self) -> Sequence[CacheEntry]:
        """What of the cache may be pruned, the least recently used first."""
        from era_kernel.service.cache import cache_entries

        return cache_entries(self.state)

    def prune_cache(self, max_size: int) -> Sequence[CacheEntry]:
        """Remove what was used least recently until the rest takes `max_size` bytes at most; what went."""
        from era_kernel.service.cache import prune_cache

        return prune_cache(self.state, max_size)

    async def execute(
        self,
        vm_ids: Sequence[str] | None,
        command: str | None,
        *,
        timeout: float,
        output: Output,
        files: Sequence[Path] = (),
    ) -> Results:
        """Run `/bin/sh -c command` in VMs (None: all that are up), side by side, without input.

        No `command` is the hello of each VM's language. `files` of the host are copied into /in before. Past `timeout`
        seconds the command and all that it started are killed: status 124. A VM that fails on the way gives an Outcome
        with the error and does not stop the others. Cancelled, it kills the commands. What `output` raises ends its
        command and is raised. Before anything runs: UsageError, UnknownVmError, VmStateError.
        """
        from era_kernel.service.execute import Job, execute

        return await execute(self._context, vm_ids, Job(command, timeout, files), output)

    async def run(
        self, vm_id: str, command: str, *, timeout: float, output: Output, files: Sequence[Path] = ()
    ) -> RunRecord:
        """The same in one VM, brought up where it is not, with what it prints kept: see RunRecord.

        Raises as start() and execute() do, VmLostError, and StateFolderError when it cannot be kept.
        """
        from era_kernel.service.execute import Job
        from era_kernel.service.run import run

        return await run(self._context, vm_id, Job(command, timeout, files), output)

    def program(
        self, vm_id: str, argv: Sequence[str], output: TerminalOutput, *, size: tuple[int, int], env: Mapping[str, str]
    ) -> AbstractAsyncContextManager[Program]:
        """A program with a terminal of its own, of `size` (rows, columns), in a VM that is started where it is stopped.

        It is hung up when the context ends. Raises as start() does, and VmLostError.
        """
        from era_kernel.service.program import program

        return program(self._context, vm_id, argv, output, size=size, env=env)

    async def put(self, vm_id: str, source: Path, target: str) -> None:
        """Copy a host file into a VM that is up: to `target`, or into it when it is a folder.

        Raises UsageError, UnknownVmError, VmStateError, VmLostError.
        """
        from era_kernel.service.copy import put

        await put(self._context, vm_id, source, target)

    async def fetch(self, vm_id: str, source: str, target: Path) -> None:
        """Copy a file out of a VM that is up, in place of what `target` was.

        Raises as put() does, and StateFolderError for what the host cannot write.
        """
        from era_kernel.service.copy import fetch

        await fetch(self._context, vm_id, source, target)

    async def temp(
        self,
        language: str,
        command: str | None,
        *,
        timeout: float,
        output: Output,
        files: Sequence[Path] = (),
        image: str | None = None,
        cpu: int | None = None,
        mem: int | None = None,
        network: str | None = None,
    ) -> ExecResult:
        """Run a command in a VM of its own, which is gone afterwards, whatever happens.

        `timeout` is the command's, in seconds; the rest is as for create(). Raises as create() and execute() do, and
        VmLostError.
        """
        from era_kernel.service.execute import Job
        from era_kernel.service.limits import check_request
        from era_kernel.service.temp import run_temp

        request = check_request(language, image=image, cpu=cpu, mem=mem, network=network, purpose=Purpose.TEMP)
        return await run_temp(self._context, request, Job(command, timeout, files), output)
