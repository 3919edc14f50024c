"""What a launcher is: it turns a VM's record into a command line whose stdin and stdout are the agent's frame stream.

Whoever holds the VM (the shim) starts that command; the launcher itself never runs a VM. So a launcher needs no process
of its own, the shim needs no launcher, and command lines are tested without a VM.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec

from era_kernel.errors import BootError, EraError
from era_kernel.models import VmRecord
from era_kernel.paths import VmPaths
from era_kernel.progress import Report


class Probe(msgspec.Struct, frozen=True):
    """Whether a launcher can run a guest on this host.

    `detail` says with what ("QEMU 7.2, TCG"), `reason` why not ('' when usable), `remedy` what would help.
    """

    usable: bool
    detail: str
    reason: str = ""
    remedy: str = ""


MONITOR_FD = "@monitor-fd@"
"""Stands in a BootPlan's argv for the number of the fd that its monitor (QMP) speaks on."""


TEMPLATE_RAM = "ram"
TEMPLATE_DISK = "disk.raw"


class Saved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The saved state of a running guest, which a VMM takes up instead of booting.

    `state` is QEMU's migration stream. It holds the guest's memory too, unless that is apart in the file `ram`, which
    the VMM then maps privately. With `once`, a file that is removed before the guest runs on: a state whose disk goes
    on must not be taken up again.
    """

    state: str
    ram: str | None = None
    once: str | None = None


class BootPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a shim needs to start a VM; written to the VM's folder as JSON.

    The VMM's stdin and stdout are the frame stream. Its stderr must be a unix stream socket: the guest's console goes
    there too, and its end of file tells that nothing of the VMM is left, which is some ms after its process has ended.
    What is read from it is kept in `console`. `boot_timeout` in seconds, from start to the agent's HELLO; a boot that
    misses it is tried once more.

    `warm` is the payload of WARM, empty where the language has nothing to start ahead. `monitor`: argv has a
    MONITOR_FD, so that the VM's state can be saved and, with `saved`, taken up. `fingerprint` names all that a saved
    state depends on: it is of use to a plan with the same one only.
    """

    vm_id: str
    argv: tuple[str, ...]
    env: dict[str, str]
    console: str
    boot_timeout: float
    warm: bytes = b""
    monitor: bool = False
    fingerprint: str = ""
    saved: Saved | None = None


class Launcher(Protocol):
    """A way to run VMs. Called by the service only."""

    name: str

    def probe(self) -> Probe:
        """Whether a guest really ran here, the answer remembered per boot of the host and binary. Never raises."""

    def resolve(self, image: str, report: Report) -> str:
        """Fetch or find `image` and give its digest (sha256:…); ImageError when it cannot be had."""

    def prepare(self, record: VmRecord, paths: VmPaths, report: Report) -> None:
        """Make what the VM needs to boot (disks); nothing where it is made already. ImageError, ToolError."""

    def plan(self, record: VmRecord, paths: VmPaths, saved: Saved | None = None) -> BootPlan:
        """The command line that boots a prepared VM, or that takes up a saved state of it."""

    def fingerprint(self, record: VmRecord) -> str | None:
        """The fingerprint that this VM's plans have, whatever its id; None from a launcher that saves no states."""

    def template_plan(self, record: VmRecord, folder: Path, report: Report) -> BootPlan:
        """How a template for VMs like `record` is booted, once per fingerprint.

        Makes the guest's memory, the file TEMPLATE_RAM, and its disk, the raw file TEMPLATE_DISK, in `folder`.
        """

    def keeps_persist(self, paths: VmPaths) -> bool:
        """Whether a VM's /persist is a disk or folder below `paths.persist`; else the service copies it there."""

    def delete(self, record: VmRecord, paths: VmPaths) -> None:
        """Let go of whatever the VM holds outside its folder. Nothing there is no error."""

    def explain(self, error: BootError) -> EraError:
        """What a failed boot means, where the VMM's words on the console tell; else the same error."""
