"""The QEMU launcher: KVM where a guest runs with it, TCG everywhere else, always in a jail."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from era_kernel import process
from era_kernel.errors import BootError, EraError, LauncherError
from era_kernel.images import buildah, disk, guest_kernel, initramfs
from era_kernel.launchers import host
from era_kernel.launchers.base import BootPlan, Probe, Report
from era_kernel.launchers.jail import JAIL_UID, Jail, JailNetwork, Tools, jail_argv
from era_kernel.launchers.probe import QEMU, Verdict, jail_tools, kvm_binds, probe_qemu
from era_kernel.launchers.qcow2 import backing_file
from era_kernel.launchers.qemu_args import Accelerator, GuestFiles, Machine, Overlay, file_binds, qemu_argv
from era_kernel.models import Network, VmRecord
from era_kernel.paths import VmPaths, cache_root

log = logging.getLogger(__name__)

DISK_GIB = 16
"""What a VM can write at most, for its disk and for its persist disk; on the host it takes what was written."""

_BOOT_SECONDS = {Accelerator.KVM: 20.0, Accelerator.TCG: 60.0}


class QemuLauncher:
    """Runs VMs with qemu-system-x86_64's microvm machine."""

    name = "qemu"

    def probe(self) -> Probe:
        return self._verdict().probe

    def resolve(self, image: str, report: Report) -> str:
        return buildah.resolve_image(image, report)

    def prepare(self, record: VmRecord, paths: VmPaths, report: Report) -> None:
        if record.spec.network is Network.ALLOW_ALL:
            _network_tools()
        disk.image_disk(record.spec.image, record.digest, report)
        _agent_files(report)
        _make_disk(paths.disk, paths.bases)
        if record.spec.persist:
            paths.persist.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make_disk(paths.persist_disk, paths.bases)

    def plan(self, record: VmRecord, paths: VmPaths) -> BootPlan:
        """Raises LauncherError when no guest runs here, ToolMissingError, ImageError when a disk is not as made."""
        verdict = self._verdict()
        if verdict.accelerator is None:
            raise LauncherError(f"QEMU runs no guest here: {verdict.probe.reason}", verdict.probe.remedy)
        machine = _machine(record, paths, verdict.accelerator)
        network = record.spec.network is Network.ALLOW_ALL
        jail = Jail(
            tools=_network_tools() if network else jail_tools(),
            root=host.is_root(),
            binds=(*file_binds(machine.files), *kvm_binds(machine.accelerator)),
            network=_jail_network() if network else None,
        )
        return BootPlan(
            vm_id=record.id,
            argv=jail_argv(jail, qemu_argv(process.find_tool(QEMU), machine)),
            env={},
            console=str(paths.console),
            boot_timeout=_BOOT_SECONDS[machine.accelerator],
        )

    def delete(self, record: VmRecord, paths: VmPaths) -> None:
        """Nothing: all that a VM holds is in its folders."""

    def explain(self, error: BootError) -> EraError:
        return error

    def _verdict(self) -> Verdict:
        return probe_qemu(_agent_files)


def _agent_files(report: Report) -> GuestFiles:
    kernel = guest_kernel.guest_kernel(report)
    return GuestFiles(kernel.vmlinux, initramfs.initramfs(kernel, report))


def _machine(record: VmRecord, paths: VmPaths, accelerator: Accelerator) -> Machine:
    spec = record.spec
    agent = _agent_files(log.info)
    files = GuestFiles(
        kernel=agent.kernel,
        initramfs=agent.initramfs,
        image=disk.image_disk(spec.image, record.digest, log.info),
        disk=_overlay(paths.disk, paths.bases),
        persist=_overlay(paths.persist_disk, paths.bases) if spec.persist else None,
    )
    khz = host.tsc_khz() if accelerator is Accelerator.TCG else None
    return Machine(record.id, accelerator, spec.cpu, spec.mem, files, spec.network, khz)


def _overlay(file: Path, bases: Path) -> Overlay:
    return Overlay(file, backing_file(file, bases))


def _make_disk(target: Path, bases: Path) -> None:
    """Made if it is not there; given to whom QEMU runs as in the jail."""
    disk.make_disk(target, DISK_GIB, bases)
    if host.is_root():
        os.chown(target, JAIL_UID, JAIL_UID, follow_symlinks=False)


def _network_tools() -> Tools:
    """ToolMissingError, or LauncherError where the host has no tun device."""
    if not host.TUN.exists():
        raise LauncherError(f"A VM with a network needs {host.TUN}", "Load it with `modprobe tun`.")
    base = jail_tools()
    return Tools(base.bwrap, base.setpriv, process.find_tool("pasta"), process.find_tool("unshare"))


def _jail_network() -> JailNetwork:
    return JailNetwork(host.jail_device(host.TUN, cache_root() / "devices"), host.resolver_file())
