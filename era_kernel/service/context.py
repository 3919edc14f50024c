"""What every action on VMs works with."""

from __future__ import annotations

from dataclasses import dataclass

from era_kernel.paths import StatePaths
from era_kernel.progress import Report
from era_kernel.store.repository import VmRepository


@dataclass(frozen=True)
class Context:
    """`runtime` is the launcher that was asked for, None for whichever works; `report` takes lines of progress."""

    state: StatePaths
    repository: VmRepository
    runtime: str | None
    report: Report
