"""What actions on VMs answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from era_kernel.errors import EraError
from era_kernel.models import ExecResult, VmRecord

Output = Callable[[str, int, bytes], None]
"""Takes (VM id, fd 1 or 2, bytes) of a command's output, as it comes."""

TerminalOutput = Callable[[bytes], None]
"""Takes what a program writes to its terminal, as it comes."""


class VmView(msgspec.Struct, frozen=True):
    """A VM as it is now: `record.state` is the live one.

    `mem_used` in MiB, `uptime` in seconds and `sessions` are None for a VM that is not up or did not say in time.
    `snapshot`: it is stopped and its memory is kept.
    """

    record: VmRecord
    mem_used: int | None = None
    uptime: float | None = None
    snapshot: bool = False
    sessions: int | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What became of one of several VMs; `error` is None when it went well."""

    vm_id: str
    error: EraError | None = None


class RunRecord(msgspec.Struct, frozen=True):
    """A command that was run, with what is kept of it: all of its output in the files `out` and `err`, of the VM's
    folder, up to service.run.KEPT bytes each; the first service.run.HELD bytes as `stdout` and `stderr`.
    """

    result: ExecResult
    out: Path
    err: Path
    stdout: bytes
    stderr: bytes


Outcomes = list[Outcome]
Results = list[ExecResult | Outcome]
Views = list[VmView]
