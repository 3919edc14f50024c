"""VMs without a hypervisor: the real agent as a plain process of the host, held by a real shim.

Boots in a moment. What a guest's kernel, disk or power does is not here; tests/vm has that.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from era_kernel.errors import BootError, EraError
from era_kernel.launchers import registry
from era_kernel.launchers.base import BootPlan, Probe, Saved
from era_kernel.models import VmRecord
from era_kernel.paths import VmPaths
from era_kernel.progress import Report

NAME = "agent"


class AgentLauncher:
    """`argv` is what stands in for the VMM. `before_plan` runs when all but the boot is done."""

    name = NAME

    def __init__(self, argv: Sequence[str], before_plan: Callable[[VmRecord], None] | None = None) -> None:
        self._argv = tuple(argv)
        self._before_plan = before_plan

    def probe(self) -> Probe:
        return Probe(True, "the agent as a process")

    def resolve(self, image: str, report: Report) -> str:
        return "sha256:" + hashlib.sha256(image.encode()).hexdigest()

    def prepare(self, record: VmRecord, paths: VmPaths, report: Report) -> None:
        for disk in (paths.disk, paths.persist_disk) if record.spec.persist else (paths.disk,):
            disk.touch(exist_ok=True)

    def plan(self, record: VmRecord, paths: VmPaths, saved: Saved | None = None) -> BootPlan:
        if self._before_plan is not None:
            self._before_plan(record)
        return BootPlan(record.id, self._argv, {"PATH": os.environ["PATH"]}, str(paths.console), 10.0)

    def fingerprint(self, record: VmRecord) -> None:
        """A plain process cannot be saved."""

    def template_plan(self, record: VmRecord, folder: Path, report: Report) -> BootPlan:
        raise NotImplementedError

    def keeps_persist(self, paths: VmPaths) -> bool:
        return True

    def delete(self, record: VmRecord, paths: VmPaths) -> None:
        """Nothing is held outside the folders."""

    def explain(self, error: BootError) -> EraError:
        return error


def install(launcher: AgentLauncher, patch: pytest.MonkeyPatch) -> None:
    """Have this process know the launcher by its name and take it where none is asked for."""
    patch.setitem(registry.OURS, NAME, lambda: launcher)
    patch.setenv("AGENT_VM_RUNTIME", NAME)


def install_agent(binary: Path) -> None:
    """The same for good: in a test's child process."""
    install(AgentLauncher([str(binary)]), pytest.MonkeyPatch())
