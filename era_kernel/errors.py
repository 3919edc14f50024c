"""The errors of era_kernel, each with one line that says what happened and, where there is one, what to do.

EraError
├── UsageError               the caller asked for something that cannot be (exit status 2)
│   ├── UnknownLanguageError
│   ├── LimitError           cpu or mem that no host, or not this one, can give
│   └── ConfigError          a variable, option or file that configures cannot be understood
├── UnknownVmError           no VM has that id
├── VmStateError             the VM is not in a state in which this can be done
├── StateFolderError         the state folder cannot be used
├── RegistryError            the registry cannot be read or written
├── ImageError               an image is missing or cannot be made into a disk
├── ToolError                a program that we call
│   ├── ToolMissingError     is not installed
│   └── ToolFailedError      failed, or took too long
├── LauncherError            no launcher works, or the one asked for does not
├── HostMemoryError          the host has not the memory that a VM may take
├── BootError                a VM did not come up; carries the console's tail
│   └── SnapshotError        it did not come up from a saved state
├── VmLostError              a VM, or the process that holds it, went away while in use
├── ProtocolError            bytes from a guest or a shim that break the protocol
└── DriverError              a language driver ended or broke its protocol

Every error keeps its fields over pickling, because some cross process boundaries.
"""

from __future__ import annotations

from typing import Any


def sentence(text: str) -> str:
    """`text` with a full stop, unless it ends as a sentence does already."""
    return text if text.endswith((".", "?", "!", "?)")) else f"{text}."


class EraError(Exception):
    """Base of all our errors.

    `message` says what happened, `remedy` what to do about it ('' where nothing helps). `str()` joins both on one line.
    """

    exit_status = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{sentence(self.message)} {self.remedy}" if self.remedy else self.message
        return " ".join(text.split())


class UsageError(EraError):
    """The request itself is wrong."""

    exit_status = 2


class UnknownLanguageError(UsageError):
    """A language that no spec in `era_kernel.languages` names."""


class LimitError(UsageError):
    """A number of vCPUs or MiB outside what this host can give."""


class ConfigError(UsageError):
    """What is configured cannot be read, or is not what it has to be; names the variable, or the file and line."""


class UnknownVmError(EraError):
    """No VM has this id."""

    def __init__(self, vm_id: str) -> None:
        super().__init__(f"There is no VM {vm_id!r}", "`era vm list --all` shows the VMs that there are.")
        self.vm_id = vm_id

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.vm_id,)


class VmStateError(EraError):
    """The VM is in a state in which this cannot be done."""


class StateFolderError(EraError):
    """The state folder cannot be made, read or written."""


class RegistryError(EraError):
    """The registry of VMs cannot be read or written."""


class ImageError(EraError):
    """An image is missing, or cannot be made into a disk."""


class ToolError(EraError):
    """A program that we call did not do its work."""


class ToolMissingError(ToolError):
    """A program that we call is not installed."""


class ToolFailedError(ToolError):
    """A program ended with a non-zero status or took too long.

    `status` is its exit status (negative: a signal; None: timed out), `output` the end of what it wrote.
    """

    def __init__(self, message: str, remedy: str = "", status: int | None = None, output: str = "") -> None:
        super().__init__(message, remedy)
        self.status = status
        self.output = output

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.remedy, self.status, self.output)


class LauncherError(EraError):
    """No launcher can run a guest here, or the one asked for cannot."""


class HostMemoryError(EraError):
    """The host has less memory to give than a VM may take."""


class BootError(EraError):
    """A VM did not come up. `console` is the tail of what its kernel printed, '' where it printed nothing."""

    def __init__(self, message: str, remedy: str = "", console: str = "") -> None:
        super().__init__(message, remedy)
        self.console = console

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.remedy, self.console)


class SnapshotError(BootError):
    """A saved state of a guest cannot be used: it is damaged, or the VMM did not take it up."""


class VmLostError(EraError):
    """A VM, or the shim that holds it, went away while it was in use."""


class ProtocolError(EraError):
    """Bytes that break the protocol: the connection they came on is closed."""


class DriverError(EraError):
    """The language driver in the guest ended, or broke its protocol."""
