"""A saved state is for one machine only: whatever it depends on is in the fingerprint, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from era_kernel.launchers import qemu
from era_kernel.launchers.probe import QEMU
from era_kernel.launchers.qemu_args import Accelerator, GuestFiles, Machine, Overlay, Ram
from era_kernel.models import Network

DISK = Overlay(Path("/state/vms/a/disk.qcow2"), Path("/state/disks/base"))


@pytest.fixture
def hypervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that is found as QEMU."""
    program = tmp_path / "bin" / QEMU
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program


@pytest.fixture
def machine(tmp_path: Path, hypervisor: Path) -> Machine:
    kernel = tmp_path / "vmlinux"
    kernel.write_bytes(b"kernel")
    files = GuestFiles(kernel, Path("/cache/0123.cpio"), Path("/cache/image.erofs"), DISK)
    return Machine("python-00000000", Accelerator.TCG, 1, 256, files, tsc_khz=2_600_000, monitor=True)


def fingerprint(machine: Machine, digest: str = "sha256:0") -> str:
    return qemu._fingerprint(machine, digest)


@pytest.mark.parametrize(
    "change",
    [
        lambda machine: replace(machine, mem=512),
        lambda machine: replace(machine, cpu=2),
        lambda machine: replace(machine, network=Network.ALLOW_ALL),
        lambda machine: replace(machine, tsc_khz=2_600_001),
        lambda machine: replace(machine, files=replace(machine.files, persist=DISK)),
        lambda machine: replace(machine, files=replace(machine.files, initramfs=Path("/cache/4567.cpio"))),
    ],
)
def test_another_machine_has_another_one(machine: Machine, change: Callable[[Machine], Machine]) -> None:
    assert fingerprint(change(machine)) != fingerprint(machine)


@pytest.mark.parametrize(
    "change",
    [
        lambda machine: replace(machine, name="python-11111111"),
        lambda machine: replace(machine, incoming=True, ram=Ram(Path("/cache/templates/a/ram"))),
        lambda machine: replace(machine, files=replace(machine.files, disk=Overlay(Path("/tmp/disk.raw"), None))),
    ],
)
def test_another_vm_of_the_same_kind_has_the_same(machine: Machine, change: Callable[[Machine], Machine]) -> None:
    assert fingerprint(change(machine)) == fingerprint(machine)


def test_an_upgrade_makes_another_one(machine: Machine, hypervisor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {fingerprint(machine), fingerprint(machine, "sha256:1")}
    os.utime(hypervisor, (1, 1))
    found.add(fingerprint(machine))
    os.utime(machine.files.kernel, (1, 1))
    found.add(fingerprint(machine))
    monkeypatch.setattr(qemu, "__version__", "0.0.0-another")
    found.add(fingerprint(machine))
    assert len(found) == 5, "image, QEMU, the guest kernel and era_kernel each count"
