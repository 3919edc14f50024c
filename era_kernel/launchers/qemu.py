"""The QEMU launcher: KVM where a guest runs with it, TCG everywhere else, always in a jail."""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import replace
from pathlib import Path

import msgspec

from era_kernel import __version__, process
from era_kernel.errors import BootError, EraError, LauncherError
from era_kernel.images import buildah, guest_kernel, initramfs
from era_kernel.images.disk import format_disk, image_disk, make_disk, make_sparse
from era_kernel.languages import find_language
from era_kernel.launchers import host, preload
from era_kernel.launchers.base import TEMPLATE_DISK, TEMPLATE_RAM, BootPlan, Probe, Saved
from era_kernel.launchers.jail import JAIL_UID, Jail, JailNetwork, Tools, jail_argv
from era_kernel.launchers.probe import QEMU, Verdict, jail_tools, kvm_binds, probe_qemu
from era_kernel.launchers.qcow2 import backing_file
from era_kernel.launchers.qemu_args import (
    Accelerator,
    GuestFiles,
    Machine,
    Overlay,
    Ram,
    file_binds,
    qemu_argv,
    ram_binds,
)
from era_kernel.models import Network, VmRecord
from era_kernel.paths import VmPaths, cache_root
from era_kernel.progress import Report
from era_kernel.protocol import agent

log = logging.getLogger(__name__)

DISK_GIB = 16
"""What a VM can write at most, for its disk and for its persist disk; on the host it takes what was written."""

_STATE_FORMAT = "1"
"""Raised when a saved state of before is of no use, for a reason that is nowhere else in its fingerprint."""

_BOOT_SECONDS = {Accelerator.KVM: 20.0, Accelerator.TCG: 60.0}


class QemuLauncher:
    """Runs VMs with qemu-system-x86_64's microvm machine."""

    name = "qemu"

    def __init__(self) -> None:
        self._agent: GuestFiles | None = None

    def probe(self) -> Probe:
        return self._verdict().probe

    def resolve(self, image: str, report: Report) -> str:
        return buildah.resolve_image(image, report)

    def prepare(self, record: VmRecord, paths: VmPaths, report: Report) -> None:
        if record.spec.network is Network.ALLOW_ALL:
            _network_tools()
        image_disk(record.spec.image, record.digest, report)
        self._agent_files(report)
        _make_disk(paths.disk, paths.bases)
        if record.spec.persist:
            paths.persist.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make_disk(paths.persist_disk, paths.bases)

    def plan(self, record: VmRecord, paths: VmPaths, saved: Saved | None = None) -> BootPlan:
        """Raises LauncherError when no guest runs here, ToolMissingError, ImageError when a disk is not as made."""
        spec = record.spec
        machine = self._machine(
            record,
            disk=_overlay(paths.disk, paths.bases),
            persist=_overlay(paths.persist_disk, paths.bases) if spec.persist else None,
            ram=Ram(Path(saved.ram)) if saved and saved.ram else Ram(),
            incoming=saved is not None,
        )
        return _boot_plan(record, machine, paths.console, saved)

    def fingerprint(self, record: VmRecord) -> str | None:
        return _fingerprint(self._machine(record, *_canonical_disks(record)), record.digest)

    def template_plan(self, record: VmRecord, folder: Path, report: Report) -> BootPlan:
        spec = record.spec
        ram, own = folder / TEMPLATE_RAM, folder / TEMPLATE_DISK
        persist = folder / "persist.raw"
        format_disk(own, DISK_GIB)
        make_sparse(ram, spec.mem << 20)
        files = [ram, own]
        if spec.persist:
            make_sparse(persist, DISK_GIB << 30)
            files.append(persist)
        for file in files:
            _give_to_jail(file)
        machine = self._machine(
            record,
            disk=Overlay(own, None),
            persist=Overlay(persist, None) if spec.persist else None,
            ram=Ram(ram, shared=True),
        )
        return _boot_plan(record, machine, folder / "console.log", None)

    def keeps_persist(self, paths: VmPaths) -> bool:
        """On a disk of its own."""
        return True

    def delete(self, record: VmRecord, paths: VmPaths) -> None:
        """Nothing: all that a VM holds is in its folders."""

    def explain(self, error: BootError) -> EraError:
        return error

    def _verdict(self) -> Verdict:
        return probe_qemu(self._agent_files)

    def _agent_files(self, report: Report) -> GuestFiles:
        """The guest's kernel and initramfs, looked up once for all that is done with this launcher."""
        if self._agent is None:
            kernel = guest_kernel.guest_kernel(report)
            self._agent = GuestFiles(kernel.vmlinux, initramfs.initramfs(kernel, report))
        return self._agent

    def _machine(
        self,
        record: VmRecord,
        disk: Overlay,
        persist: Overlay | None,
        ram: Ram = Ram(),  # noqa: B008 - frozen
        incoming: bool = False,
    ) -> Machine:
        verdict = self._verdict()
        if verdict.accelerator is None:
            raise LauncherError(f"QEMU runs no guest here: {verdict.probe.reason}", verdict.probe.remedy)
        spec = record.spec
        agent = self._agent_files(log.info)
        image = image_disk(spec.image, record.digest, log.info)
        return Machine(
            name=record.id,
            accelerator=verdict.accelerator,
            cpu=spec.cpu,
            mem=spec.mem,
            files=replace(agent, image=image, disk=disk, persist=persist),
            network=spec.network,
            tsc_khz=host.tsc_khz() if verdict.accelerator is Accelerator.TCG else None,
            ram=ram,
            monitor=True,
            incoming=incoming,
        )


def _canonical_disks(record: VmRecord) -> tuple[Overlay, Overlay | None]:
    """Disks that stand for any VM's: what they are called on the host is nothing that a saved state depends on."""
    some = Overlay(Path("disk"), Path("base"))
    return some, some if record.spec.persist else None


def _boot_plan(record: VmRecord, machine: Machine, console: Path, saved: Saved | None) -> BootPlan:
    language = find_language(record.spec.language)
    network = machine.network is Network.ALLOW_ALL
    jail = Jail(
        tools=_network_tools() if network else jail_tools(),
        root=host.is_root(),
        binds=(*file_binds(machine.files), *ram_binds(machine.ram), *kvm_binds(machine.accelerator)),
        network=_jail_network() if network else None,
        preload=preload.library() if machine.ram.file and not machine.ram.shared else None,
    )
    return BootPlan(
        vm_id=record.id,
        argv=jail_argv(jail, qemu_argv(process.find_tool(QEMU), machine)),
        env={},
        console=str(console),
        boot_timeout=_BOOT_SECONDS[machine.accelerator],
        warm=agent.encode_warm(language.warm, language.driver) if language.warm else b"",
        monitor=True,
        fingerprint=_fingerprint(machine, record.digest),
        saved=saved,
    )


def _fingerprint(machine: Machine, digest: str) -> str:
    """A hash of all that a saved state of this machine depends on: it means nothing to any other one."""
    qemu = process.find_tool(QEMU)
    files = replace(machine.files, disk=Overlay(Path(), Path()))
    if files.persist:
        files = replace(files, persist=Overlay(Path(), Path()))
    neutral = replace(machine, name="", files=files, ram=Ram(), incoming=False)
    parts = [
        *(_STATE_FORMAT, __version__, digest, str(DISK_GIB), *qemu_argv(qemu, neutral)),
        *(_identity(Path(qemu)), _identity(machine.files.kernel), machine.files.initramfs.name),
        host.cpu_model() if machine.accelerator is Accelerator.KVM else "",
    ]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def _identity(file: Path) -> str:
    status = file.stat()
    return f"{file.name} {status.st_size} {status.st_mtime_ns}"


def _overlay(file: Path, bases: Path) -> Overlay:
    return Overlay(file, backing_file(file, bases))


def _make_disk(target: Path, bases: Path) -> None:
    """Made if it is not there; given to whom QEMU runs as in the jail."""
    make_disk(target, DISK_GIB, bases)
    _give_to_jail(target)


def _give_to_jail(file: Path) -> None:
    if host.is_root():
        os.chown(file, JAIL_UID, JAIL_UID, follow_symlinks=False)


def _network_tools() -> Tools:
    """ToolMissingError, or LauncherError where the host has no tun device."""
    if not host.TUN.exists():
        raise LauncherError(f"A VM with a network needs {host.TUN}", "Load it with `modprobe tun`.")
    base = jail_tools()
    return Tools(base.bwrap, base.setpriv, process.find_tool("pasta"), process.find_tool("unshare"))


def _jail_network() -> JailNetwork:
    return JailNetwork(host.jail_device(host.TUN, cache_root() / "devices"), host.resolver_file())
