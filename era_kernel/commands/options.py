"""What a command was asked for, whoever asked: the command line, or a magic. Light: imported with every command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
class ExecOptions:
    """`timeout` in seconds."""

    selection: Selection
    command: str
    timeout: float = 30.0


@dataclass(frozen=True)
class TempOptions:
    """`timeout` in seconds, of the command; the VM's start does not count."""

    machine: MachineOptions
    command: str
    timeout: float = 30.0


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
