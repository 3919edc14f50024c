"""QEMU's command line: what it must and must not hold for each kind of guest."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from era_kernel.launchers.qemu_args import (
    Accelerator,
    GuestFiles,
    Machine,
    Overlay,
    file_binds,
    kernel_command_line,
    qemu_argv,
)
from era_kernel.models import Network

AGENT = GuestFiles(Path("/cache/vmlinux"), Path("/cache/initramfs"))
DISKS = replace(
    AGENT,
    image=Path("/cache/image.erofs"),
    disk=Overlay(Path("/state/vms/a/disk.qcow2"), Path("/cache/16.ext4")),
)
PERSIST = replace(DISKS, persist=Overlay(Path("/state/persist/a/persist.qcow2"), Path("/cache/16.ext4")))
MACHINE = Machine("python-00000000", Accelerator.TCG, cpu=2, mem=384, files=DISKS, tsc_khz=2_600_000)


def argv(machine: Machine) -> tuple[str, ...]:
    return qemu_argv("/usr/bin/qemu-system-x86_64", machine)


def values(machine: Machine, option: str) -> list[str]:
    command = argv(machine)
    return [after for word, after in pairwise(command) if word == option]


def test_the_guest_gets_what_was_asked_for() -> None:
    assert values(MACHINE, "-m") == ["384"]
    assert values(MACHINE, "-smp") == ["2"]
    assert values(MACHINE, "-name") == ["python-00000000"]


def test_frames_are_stdin_and_stdout_and_the_console_is_stderr() -> None:
    assert values(MACHINE, "-chardev") == ["socket,id=console,fd=2", "stdio,id=era,signal=off"]
    assert values(MACHINE, "-serial") == ["chardev:console"]
    assert "virtserialport,name=era,chardev=era" in values(MACHINE, "-device")


def test_qemu_itself_may_start_nothing() -> None:
    (sandbox,) = values(MACHINE, "-sandbox")
    assert sandbox == "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
    assert {"-nodefaults", "-no-user-config", "-no-reboot"} <= set(argv(MACHINE))


def test_without_network_there_is_no_network_device() -> None:
    assert not any("net" in word.split("=")[0] for word in argv(MACHINE))
    assert "era.net" not in kernel_command_line(MACHINE)


def test_with_network_there_is_one_and_the_agent_is_told() -> None:
    machine = replace(MACHINE, network=Network.ALLOW_ALL)
    assert values(machine, "-netdev") == ["user,id=net,ipv6=off"]
    assert "virtio-net-device,netdev=net" in values(machine, "-device")
    assert "era.net=user" in kernel_command_line(machine).split()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (AGENT, []),
        (DISKS, ["era.root=/dev/vda", "era.disk=/dev/vdb"]),
        (PERSIST, ["era.root=/dev/vda", "era.disk=/dev/vdb", "era.persist=/dev/vdc"]),
    ],
)
def test_disks_come_in_the_order_that_the_agent_is_told(files: GuestFiles, words: list[str]) -> None:
    machine = replace(MACHINE, files=files)
    drives = [each.split("drive=")[1] for each in values(machine, "-device") if "virtio-blk" in each]
    assert drives == ["image", "disk", "persist"][: len(words)]
    assert [word for word in kernel_command_line(machine).split() if word.startswith("era.")] == words


def test_only_the_vms_own_disks_are_writable() -> None:
    for node in values(replace(MACHINE, files=PERSIST), "-blockdev"):
        fields = dict(field.split("=", 1) for field in node.split(","))
        own = fields["node-name"] in {"disk", "disk-file", "persist", "persist-file"}
        assert (fields.get("read-only") == "on") is not own
    writable = {bind.source for bind in file_binds(PERSIST) if bind.writable}
    assert PERSIST.disk is not None
    assert PERSIST.persist is not None
    assert writable == {PERSIST.disk.file, PERSIST.persist.file}


def test_the_backing_file_is_not_the_headers() -> None:
    (disk,) = (node for node in values(MACHINE, "-blockdev") if node.startswith("driver=qcow2"))
    assert "backing=disk-base" in disk


def test_every_file_of_the_command_line_is_bound_and_no_host_path_is_in_it() -> None:
    machine = replace(MACHINE, files=PERSIST)
    binds = list(file_binds(PERSIST))
    text = " ".join(argv(machine)).replace(",", " ")
    for bind in binds:
        assert f"{bind.target} " in f"{text} "
        assert str(bind.source) not in text
    opened = [word.split("=", 1)[1] for word in text.split() if word.startswith("filename=")]
    assert set(opened) < {bind.target for bind in binds}


def test_a_tcg_guest_is_told_the_tsc_and_a_kvm_guest_is_not() -> None:
    assert "tsc_early_khz=2600000" in kernel_command_line(MACHINE)
    assert "tsc" not in kernel_command_line(replace(MACHINE, tsc_khz=None))
    kvm = replace(MACHINE, accelerator=Accelerator.KVM)
    assert "tsc" not in kernel_command_line(kvm)
    assert values(kvm, "-accel") == ["kvm"]
    assert values(MACHINE, "-accel") == ["tcg,thread=multi,tb-size=256"]
