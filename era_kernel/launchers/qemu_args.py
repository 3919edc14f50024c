"""QEMU's command line for a guest. Pure: data in, argv out.

The machine is `microvm`: virtio over MMIO, no PCI, no firmware to speak of; the kernel is an uncompressed ELF, entered
by PVH. Paths are those in the jail, where every file has a fixed place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from era_kernel.launchers.base import MONITOR_FD
from era_kernel.launchers.jail import Bind
from era_kernel.models import Network

_FOLDER = "/era"
_KERNEL = f"{_FOLDER}/kernel"
_INITRAMFS = f"{_FOLDER}/initramfs"
_IMAGE = f"{_FOLDER}/image"
_RAM = f"{_FOLDER}/ram"

_TRANSLATION_CACHE = 256
"""MiB of TCG's code cache. QEMU's default, 1 GiB, is more than most guests' memory and fills as they run."""


class Accelerator(StrEnum):
    """How guest code runs: on the CPU itself, or translated."""

    KVM = "kvm"
    TCG = "tcg"


@dataclass(frozen=True)
class Overlay:
    """A writable disk: a qcow2 `file` over the raw `backing`, which is shared and never written.

    Without `backing`, `file` itself is raw.
    """

    file: Path
    backing: Path | None


@dataclass(frozen=True)
class Ram:
    """The guest's memory: nobody's but this VMM's, or a `file`, mapped privately or, with `shared`, written through."""

    file: Path | None = None
    shared: bool = False


@dataclass(frozen=True)
class GuestFiles:
    """Host paths of all that QEMU opens. Without `image` the agent comes up with no root disk (a probe)."""

    kernel: Path
    initramfs: Path
    image: Path | None = None
    disk: Overlay | None = None
    persist: Overlay | None = None


_CPUS = {Accelerator.KVM: "max", Accelerator.TCG: "max,-erms,-fsrm"}
"""A guest that sees ERMS or FSRM copies and clears memory by `rep movsb`, which TCG runs byte by byte: without them its
pipes and its boot are a third and a tenth quicker."""


_MONITOR = ("-chardev", f"socket,id=qmp,fd={MONITOR_FD}", "-mon", "chardev=qmp,mode=control")


@dataclass(frozen=True)
class Machine:
    """A guest to be. `cpu` in vCPUs, `mem` in MiB, `tsc_khz` the host's TSC frequency (None: unknown).

    With `monitor` there is QMP on the fd MONITOR_FD; with `incoming` the guest waits for a saved state on it.
    """

    name: str
    accelerator: Accelerator
    cpu: int
    mem: int
    files: GuestFiles
    network: Network = Network.NONE
    tsc_khz: int | None = None
    ram: Ram = Ram()
    monitor: bool = False
    incoming: bool = False


def qemu_argv(qemu: str, machine: Machine) -> tuple[str, ...]:
    """The whole command line.

    stdin and stdout carry the agent's frames. stderr, which must be a unix stream socket, takes the guest's console
    and QEMU's own complaints: QEMU writes to an inherited fd above 1 only when it is a socket, and whoever reads it can
    bound what a guest prints. A full stderr holds up the guest's serial port, nothing else.
    """
    return (
        *(qemu, "-name", machine.name, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"),
        *("-M", "microvm,x-option-roms=off,isa-serial=on,rtc=on,dump-guest-core=off,memory-backend=ram"),
        *("-object", _ram(machine.ram, machine.mem)),
        *("-accel", _accelerator(machine.accelerator), "-cpu", _CPUS[machine.accelerator]),
        *("-m", str(machine.mem), "-smp", str(machine.cpu)),
        *("-kernel", _KERNEL, "-initrd", _INITRAMFS, "-append", kernel_command_line(machine)),
        *("-chardev", "socket,id=console,fd=2", "-serial", "chardev:console"),
        *(_MONITOR if machine.monitor else ()),
        *(("-incoming", "defer") if machine.incoming else ()),
        *_disks(machine.files),
        *_network(machine.network),
        *("-chardev", "stdio,id=era,signal=off"),
        *("-device", "virtio-serial-device,max_ports=2", "-device", "virtserialport,name=era,chardev=era"),
    )


def _ram(ram: Ram, mem: int) -> str:
    if ram.file is None:
        return f"memory-backend-ram,id=ram,size={mem}M"
    return f"memory-backend-file,id=ram,size={mem}M,mem-path={_RAM},share={'on' if ram.shared else 'off'}"


def _accelerator(accelerator: Accelerator) -> str:
    if accelerator is Accelerator.KVM:
        return "kvm"
    return f"tcg,thread=multi,tb-size={_TRANSLATION_CACHE}"


def kernel_command_line(machine: Machine) -> str:
    """The guest kernel's command line; words with `era.` are for the agent.

    Under TCG the guest's TSC is the host's. A kernel that calibrates it against an emulated timer often hangs, so it is
    told the frequency.
    """
    words = ["console=ttyS0", "reboot=t", "panic=-1", "quiet"]
    if machine.accelerator is Accelerator.TCG and machine.tsc_khz:
        words += ["tsc=reliable", f"tsc_early_khz={machine.tsc_khz}"]
    names = iter(("/dev/vda", "/dev/vdb", "/dev/vdc"))
    files = machine.files
    for word, there in (("root", files.image), ("disk", files.disk), ("persist", files.persist)):
        if there:
            words.append(f"era.{word}={next(names)}")
    if machine.network is Network.ALLOW_ALL:
        words.append("era.net=user")
    return " ".join(words)


def _disks(files: GuestFiles) -> Iterator[str]:
    """Block devices in the order in which the guest names them vda, vdb, vdc."""
    if files.image:
        yield from ("-blockdev", f"driver=file,node-name=image-file,filename={_IMAGE},read-only=on")
        yield from ("-blockdev", "driver=raw,node-name=image,file=image-file,read-only=on")
        yield from ("-device", "virtio-blk-device,drive=image")
    for node, overlay in _overlays(files):
        yield from _overlay(node, overlay)


def _overlays(files: GuestFiles) -> Iterator[tuple[str, Overlay]]:
    if files.disk:
        yield "disk", files.disk
    if files.persist:
        yield "persist", files.persist


def _overlay(node: str, overlay: Overlay) -> Iterator[str]:
    """A qcow2 with its backing file named here, not taken from its header, which a broken-out guest could have written.

    Through the host's page cache, with the guest's flushes honoured (QEMU's `writeback`): what a guest has fsynced is
    on the host's disk. Discards give space back to the host.
    """
    place = _place(node)
    driver = "raw"
    if overlay.backing:
        driver = f"qcow2,backing={node}-base"
        yield from ("-blockdev", f"driver=file,node-name={node}-base-file,filename={place}.base,read-only=on")
        yield from ("-blockdev", f"driver=raw,node-name={node}-base,file={node}-base-file,read-only=on")
    yield from ("-blockdev", f"driver=file,node-name={node}-file,filename={place},discard=unmap")
    yield from ("-blockdev", f"driver={driver},node-name={node},file={node}-file,discard=unmap")
    yield from ("-device", f"virtio-blk-device,drive={node}")


def _place(node: str) -> str:
    return f"{_FOLDER}/{node}"


def _network(network: Network) -> tuple[str, ...]:
    """No device at all, or one on QEMU's user network, inside the jail's own network namespace."""
    if network is Network.NONE:
        return ()
    return ("-netdev", "user,id=net,ipv6=off", "-device", "virtio-net-device,netdev=net")


def ram_binds(ram: Ram) -> Iterator[Bind]:
    """Where the jail must show the memory's file. What a VM maps privately, it cannot write."""
    if ram.file:
        yield Bind(ram.file, _RAM, writable=ram.shared)


def file_binds(files: GuestFiles) -> Iterator[Bind]:
    """Where the jail must show these files, so that the command line finds them."""
    yield Bind(files.kernel, _KERNEL)
    yield Bind(files.initramfs, _INITRAMFS)
    if files.image:
        yield Bind(files.image, _IMAGE)
    for node, overlay in _overlays(files):
        yield Bind(overlay.file, _place(node), writable=True)
        if overlay.backing:
            yield Bind(overlay.backing, f"{_place(node)}.base")
