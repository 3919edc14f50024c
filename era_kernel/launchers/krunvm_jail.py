"""What krunvm sees of the host while a VM runs: the bubblewrap command line. Pure; nothing is looked up here.

libkrun's README: "The guest and the VMM pertain to the same security context". A virtio-fs device serves whatever its
process can open, and libkrun's TSI connects from its process's network. So the process sees the programs, buildah's
storage (krunvm mounts the VM's container itself), this VM's folders and /dev/kvm, and for network `none` it has no
network. It keeps root's capabilities inside, which mounting needs: a smaller view, no boundary like QEMU's jail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_NAMESPACES = ("--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try")
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc")


@dataclass(frozen=True)
class KrunvmView:
    """`writable`, `readable`: folders of the host, seen at their own places. `devices`: their nodes."""

    bwrap: str
    writable: tuple[Path, ...]
    readable: tuple[Path, ...]
    devices: tuple[Path, ...] = ()
    network: bool = False


def view_argv(view: KrunvmView, command: Sequence[str]) -> tuple[str, ...]:
    """The command line that runs `command` with this view; fds 0 to 2 pass through, nothing of it outlives bwrap."""
    argv = [view.bwrap, *_NAMESPACES, *(() if view.network else ("--unshare-net",))]
    argv += ["--die-with-parent", "--new-session", "--cap-add", "ALL"]
    for system in _SYSTEM:
        argv += ["--ro-bind-try", system, system]
    argv += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/run", "--tmpfs", "/var/tmp"]
    for device in view.devices:
        argv += ["--dev-bind", str(device), str(device)]
    # Sorted, so that a folder is there before what is mounted in it.
    binds = [(folder, "--ro-bind") for folder in view.readable] + [(folder, "--bind") for folder in view.writable]
    for path, option in sorted(binds):
        argv += [option, str(path), str(path)]
    return (*argv, "--chdir", "/", "--", *command)
