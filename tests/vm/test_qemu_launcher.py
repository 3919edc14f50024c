"""The QEMU launcher with real guests: they boot, do their work, cannot see the host, and never outlive their holder."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from era_kernel.images.buildah import find_image
from era_kernel.languages import find_language
from era_kernel.launchers import probe
from era_kernel.launchers.base import BootPlan
from era_kernel.launchers.jail import JAIL_UID
from era_kernel.launchers.qemu import QemuLauncher
from era_kernel.models import Network, Purpose, VmRecord, VmSpec
from era_kernel.paths import StatePaths, VmPaths
from tests.vm.rig import Guest, booted, family

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(300)]

GONE_SECONDS = 10.0


def make(folder: Path, network: Network = Network.NONE, persist: bool = False) -> tuple[VmRecord, VmPaths]:
    """A prepared VM with its files under `folder`."""
    python = find_language("python")
    image = python.local_image if find_image(python.local_image) else python.public_image
    launcher = QemuLauncher()
    digest = launcher.resolve(image, print)
    spec = VmSpec("python", image, cpu=2, mem=256, network=network, persist=persist)
    record = VmRecord(f"python-{secrets.token_hex(4)}", spec, Purpose.USER, launcher.name, digest, time.time())
    paths = StatePaths(folder).vm(record.id)
    paths.folder.mkdir(parents=True, mode=0o700)
    launcher.prepare(record, paths, print)
    return record, paths


@pytest.fixture(scope="module")
def vm(tmp_path_factory: pytest.TempPathFactory) -> tuple[VmRecord, VmPaths]:
    return make(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def guest(vm: tuple[VmRecord, VmPaths]) -> Iterator[Guest]:
    """A guest without network."""
    with booted(QemuLauncher().plan(*vm)) as guest:
        yield guest


def test_the_probe_runs_a_guest_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_memory", lambda: tmp_path / "probe.json")
    before = {each.pid for each in family(os.getpid())}
    answer = QemuLauncher().probe()
    assert answer.usable, answer.reason
    assert answer.detail.endswith(", KVM") or ", TCG (no hardware virtualization: " in answer.detail
    assert {each.pid for each in family(os.getpid())} <= before
    start = time.perf_counter()
    assert QemuLauncher().probe() == answer
    assert time.perf_counter() - start < 0.05


class TestGuest:
    def test_it_runs_commands(self, guest: Guest) -> None:
        assert guest.sh("echo hello") == "hello\n"
        assert guest.hello.protocol == 1

    def test_it_has_the_vcpus_and_memory_asked_for(self, guest: Guest) -> None:
        assert guest.sh("nproc").strip() == "2"
        kib = int(guest.sh("grep MemTotal /proc/meminfo").split()[1])
        assert 150 * 1024 < kib <= 256 * 1024

    def test_it_has_no_network_device(self, guest: Guest) -> None:
        assert guest.sh("ls /sys/class/net").split() == ["lo"]

    def test_its_image_is_read_only_below_a_writable_root(self, guest: Guest) -> None:
        assert guest.sh("cat /sys/block/vda/ro /sys/block/vdb/ro").split() == ["1", "0"]
        assert guest.sh("echo kept > /root/note && cat /root/note") == "kept\n"


class TestJail:
    def test_qemu_is_nobody_without_capabilities_under_seccomp(self, guest: Guest) -> None:
        text = Path(f"/proc/{guest.qemu().pid}/status").read_text()
        status = {key: value.split() for key, _, value in (line.partition(":") for line in text.splitlines())}
        assert {status[name][0] for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")} == {"0" * 16}
        assert status["NoNewPrivs"] == ["1"]
        assert status["Seccomp"] == ["2"]
        if os.geteuid() == 0:
            assert set(status["Uid"]) == set(status["Gid"]) == {str(JAIL_UID)}
            assert status["Groups"] == []

    def test_qemu_sees_nothing_of_the_hosts_files(self, guest: Guest) -> None:
        root = Path(f"/proc/{guest.qemu().pid}/root")
        assert {path.name for path in root.iterdir()} <= {"dev", "era", "etc", "lib", "lib64", "usr"}
        assert [path.name for path in (root / "etc").iterdir()] == ["ld.so.cache"]
        assert {path.name for path in (root / "dev").iterdir()} <= {"kvm", "null", "urandom"}

    def test_qemu_can_write_to_the_vms_disk_and_nowhere_else(self, guest: Guest) -> None:
        mounts = Path(f"/proc/{guest.qemu().pid}/mountinfo").read_text().splitlines()
        writable = {line.split()[4] for line in mounts if "rw" in line.split()[5].split(",")}
        devices = {place for place in writable if place.startswith("/dev/")}
        assert writable - devices == {"/era/disk"}

    def test_qemu_has_a_network_namespace_with_nothing_in_it(self, guest: Guest) -> None:
        pid = guest.qemu().pid
        assert Path(f"/proc/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
        devices = Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
        assert [line.split(":")[0].strip() for line in devices] == ["lo"]


class TestDisks:
    def test_what_a_guest_has_synced_survives_a_power_cut_and_a_power_off(self, tmp_path: Path) -> None:
        record, paths = make(tmp_path, persist=True)
        launcher = QemuLauncher()
        with booted(launcher.plan(record, paths)) as guest:
            guest.sh("echo one > /root/one && echo two > /persist/two && sync")
            guest.kill()
        launcher.prepare(record, paths, print)
        with booted(launcher.plan(record, paths)) as guest:
            assert guest.sh("cat /root/one /persist/two") == "one\ntwo\n"
            guest.sh("echo three > /root/three")
            assert guest.power_off() == 0
        with booted(launcher.plan(record, paths)) as guest:
            assert guest.sh("cat /root/three") == "three\n"


def own_address() -> str:
    """The address from which this host speaks with others; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("192.0.2.1", 9))
        return str(sender.getsockname()[0])


class TestNetwork:
    def test_a_network_has_an_address_but_no_way_to_the_hosts_own_listeners(self, tmp_path: Path) -> None:
        record, paths = make(tmp_path, Network.ALLOW_ALL)
        with socket.create_server(("0.0.0.0", 0)) as listener:  # noqa: S104
            port = listener.getsockname()[1]
            with booted(QemuLauncher().plan(record, paths)) as guest:
                assert set(guest.sh("ls /sys/class/net").split()) == {"eth0", "lo"}
                assert "10.0.2.3" in guest.sh("cat /etc/resolv.conf")
                script = (
                    "import socket\n"
                    f"for address in ('10.0.2.2', '{own_address()}'):\n"
                    "    try:\n"
                    f"        socket.create_connection((address, {port}), 5)\n"
                    "        print('reached')\n"
                    "    except OSError as error:\n"
                    "        print(type(error).__name__)\n"
                )
                assert guest.sh(f'python3 -c "{script}"').split() == ["ConnectionRefusedError"] * 2
            listener.settimeout(0)
            with pytest.raises(BlockingIOError):
                listener.accept()


class TestEnd:
    HOLDER = """
import sys, time
import msgspec
from era_kernel.launchers.base import BootPlan
from era_kernel.shim.launch import launch
launched = launch(msgspec.json.decode(sys.stdin.buffer.read(), type=BootPlan))
launched.stream.setblocking(True)
launched.stream.recv(1)
print(launched.process.pid, flush=True)
time.sleep(120)
"""

    def test_a_holder_that_is_killed_takes_its_vm_with_it(self, tmp_path: Path) -> None:
        plan = QemuLauncher().plan(*make(tmp_path))
        command = [sys.executable, "-c", self.HOLDER]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            try:
                assert holder.stdin is not None
                assert holder.stdout is not None
                holder.stdin.write(msgspec.json.encode(plan))
                holder.stdin.close()
                vmm = family(int(holder.stdout.readline()))
            finally:
                holder.send_signal(signal.SIGKILL)
        assert any(each.name().startswith("qemu") for each in vmm)
        _, alive = psutil.wait_procs(vmm, timeout=GONE_SECONDS)
        assert alive == []


def test_a_plan_is_the_same_after_its_way_through_json(vm: tuple[VmRecord, VmPaths]) -> None:
    plan = QemuLauncher().plan(*vm)
    assert msgspec.json.decode(msgspec.json.encode(plan), type=BootPlan) == plan
    assert plan.boot_timeout >= 20
