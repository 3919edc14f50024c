"""What a command was asked for, whoever asked: the command line, or a magic. Light: imported with every command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from era_kernel.errors import UsageError


@dataclass(frozen=True)
class Selection:
    """The VMs that a command is for; None: all."""

    ids: tuple[str, ...] | None


@dataclass(frozen=True)
class MachineOptions:
    """What a new VM is made of, None being as configured; `cpu` in vCPUs, `mem` in MiB."""

    language: str
    image: str | None = None
    cpu: int | None = None
    mem: int | None = None
    network: str | None = None


@dataclass(frozen=True)
class CreateOptions:
    machine: MachineOptions
    persist: bool | None = None


@dataclass(frozen=True)
class CleanOptions:
    selection: Selection
    keep_persist: bool = False


@dataclass(frozen=True)
class ListOptions:
    status: str | None = None
    everything: bool = False
    json: bool = False


@dataclass(frozen=True)
class JobOptions:
    """What to run; `command` None: the hello of the VM's language. `timeout` in seconds, of the command: a VM's start
    does not count. `files` of the host are copied into /in before.
    """

    command: str | None
    timeout: float = 30.0
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class ExecOptions:
    selection: Selection
    job: JobOptions


@dataclass(frozen=True)
class RunOptions:
    vm_id: str
    job: JobOptions


@dataclass(frozen=True)
class ShellOptions:
    vm_id: str
    command: str


@dataclass(frozen=True)
class TempOptions:
    machine: MachineOptions
    job: JobOptions


@dataclass(frozen=True)
class LogsOptions:
    """`of`: run, console or shim. `lines`: only the last ones."""

    vm_id: str
    of: str = "run"
    lines: int | None = None


@dataclass(frozen=True)
class CopyOptions:
    """Paths, of which one is ID:/path."""

    source: str
    target: str


@dataclass(frozen=True)
class StopOptions:
    selection: Selection
    power_off: bool = False


def select(vm_ids: Sequence[str], everything: bool) -> Selection:
    """The VMs named, each once, or all. UsageError when it is neither or both."""
    if bool(vm_ids) == everything:
        said = "--vm and --all exclude each other" if everything else "No VM is named"
        raise UsageError(said, "Use --vm ID, as often as you like, or --all.")
    return Selection(None if everything else tuple(dict.fromkeys(vm_ids)))


def job(command: str | None, hello: bool, timeout: float, files: Sequence[Path] = ()) -> JobOptions:
    """What to run. UsageError when it is not said, or twice."""
    if (command is None) != hello:
        said = "--cmd and --hello exclude each other" if hello else "No command is given"
        raise UsageError(said, "Use --cmd COMMAND, or --hello for a greeting in the VM's language.")
    return JobOptions(command, timeout, tuple(files))
