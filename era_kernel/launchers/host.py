"""What a jail and a guest take from this host: devices, the resolver, the TSC's frequency."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from era_kernel.launchers.jail import JAIL_UID

KVM = Path("/dev/kvm")
TUN = Path("/dev/net/tun")
_CPUINFO = Path("/proc/cpuinfo")
_RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


def is_root() -> bool:
    return os.geteuid() == 0


def jail_device(device: Path, folder: Path) -> Path:
    """The node by which a jailed VMM can open `device`: the host's own, or a twin of it in `folder`.

    As root, the VMM is nobody, who cannot open /dev/kvm or /dev/net/tun where no udev opened them to all (containers,
    small VMs). The twin belongs to nobody and lies in a folder of root's. Where none can be made, `device` itself.
    Raises FileNotFoundError when the host has no such device.
    """
    status = device.stat()
    everybody = stat.S_IROTH | stat.S_IWOTH
    if not is_root() or status.st_mode & everybody == everybody:
        return device
    twin = folder / device.name
    if not _is_twin(twin, status.st_rdev):
        try:
            _make_twin(twin, status.st_rdev)
        except OSError:
            return device
    return twin


def _is_twin(twin: Path, number: int) -> bool:
    try:
        status = twin.lstat()
    except OSError:
        return False
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == number and status.st_uid == JAIL_UID


def _make_twin(twin: Path, number: int) -> None:
    twin.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = twin.with_name(f"{twin.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        os.mknod(draft, stat.S_IFCHR | 0o600, number)
        os.chown(draft, JAIL_UID, JAIL_UID)
        draft.rename(twin)
    finally:
        draft.unlink(missing_ok=True)


def resolver_file(candidates: Iterable[Path] = _RESOLVERS) -> Path:
    """The first resolv.conf that names a server beyond this host, else the first candidate.

    A server on the host's loopback (systemd-resolved's stub) is not reached from a jail.
    """
    files = list(candidates)
    for file in files:
        try:
            text = file.read_text(errors="replace")
        except OSError:
            continue
        if names_outside_server(text):
            return file
    return files[0]


def names_outside_server(resolv_conf: str) -> bool:
    """Whether a resolv.conf has an IPv4 nameserver other than the loopback's."""
    lines = (line.split() for line in resolv_conf.splitlines())
    servers = (words[1] for words in lines if words[:1] == ["nameserver"] and len(words) > 1)
    return any(":" not in server and not server.startswith("127.") for server in servers)


def cpu_model() -> str:
    """The processor as the guest sees it under KVM: its name and features."""
    lines = _CPUINFO.read_text().splitlines()
    found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return f"{found.get('model name', '')} {found.get('flags', '')}"


def tsc_khz(cpuinfo: str | None = None) -> int | None:
    """The frequency of the host's TSC in kHz, from /proc/cpuinfo; None where it does not tell.

    Linux derives BogoMIPS on x86 from the TSC: MHz × 2 (arch/x86/kernel/tsc.c, lpj_fine). "cpu MHz" would be the core's
    clock at this moment.
    """
    text = _CPUINFO.read_text() if cpuinfo is None else cpuinfo
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "bogomips":
            try:
                return round(float(value) * 1000 / 2) or None
            except ValueError:
                return None
    return None
