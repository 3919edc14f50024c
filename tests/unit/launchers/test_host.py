"""What is taken from the host: devices for a jail, the resolver, the TSC's frequency."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from era_kernel.launchers import host
from era_kernel.launchers.jail import JAIL_UID

NULL = Path("/dev/null")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes device nodes")


def node(folder: Path, mode: int) -> Path:
    path = folder / "device"
    os.mknod(path, stat.S_IFCHR | mode, NULL.stat().st_rdev)
    path.chmod(mode)
    return path


class TestJailDevice:
    def test_a_device_open_to_all_is_taken_as_it_is(self, tmp_path: Path) -> None:
        assert host.jail_device(NULL, tmp_path / "twins") == NULL
        assert not (tmp_path / "twins").exists()

    @needs_root
    def test_a_closed_one_gets_a_twin_for_nobody_alone(self, tmp_path: Path) -> None:
        device = node(tmp_path, 0o600)
        twin = host.jail_device(device, tmp_path / "twins")
        status = twin.stat()
        assert stat.S_ISCHR(status.st_mode)
        assert status.st_rdev == device.stat().st_rdev
        assert (stat.S_IMODE(status.st_mode), status.st_uid) == (0o600, JAIL_UID)
        assert stat.S_IMODE(twin.parent.stat().st_mode) == 0o700
        assert [twin] == list(twin.parent.iterdir())

    @needs_root
    def test_a_twin_is_made_once_and_replaced_when_it_is_another_device(self, tmp_path: Path) -> None:
        device = node(tmp_path, 0o600)
        twin = host.jail_device(device, tmp_path / "twins")
        made = twin.stat().st_ino
        assert host.jail_device(device, tmp_path / "twins").stat().st_ino == made
        device.unlink()
        os.mknod(device, stat.S_IFCHR | 0o600, Path("/dev/zero").stat().st_rdev)
        assert host.jail_device(device, tmp_path / "twins").stat().st_rdev == device.stat().st_rdev

    @needs_root
    def test_where_no_twin_can_be_made_the_device_itself_is_taken(self, tmp_path: Path) -> None:
        device = node(tmp_path, 0o600)
        (tmp_path / "twins").write_text("a file, no folder")
        assert host.jail_device(device, tmp_path / "twins") == device

    def test_a_missing_device_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            host.jail_device(tmp_path / "nothing", tmp_path)


class TestResolver:
    def test_a_stub_on_the_hosts_loopback_is_passed_over(self, tmp_path: Path) -> None:
        stub, real = tmp_path / "stub", tmp_path / "real"
        stub.write_text("# local\nnameserver 127.0.0.53\noptions edns0\n")
        real.write_text("nameserver 192.0.2.53\n")
        assert host.resolver_file((stub, real)) == real
        assert host.resolver_file((real, stub)) == real

    def test_where_there_is_nothing_better_the_first_is_taken(self, tmp_path: Path) -> None:
        stub = tmp_path / "stub"
        stub.write_text("nameserver 127.0.0.1\nnameserver ::1\nnameserver\n")
        assert host.resolver_file((stub, tmp_path / "missing")) == stub


class TestTsc:
    def test_it_is_half_the_bogomips(self) -> None:
        text = "processor\t: 0\ncpu MHz\t\t: 801.2\nbogomips\t: 5199.99\n"
        assert host.tsc_khz(text) == 2_599_995

    @pytest.mark.parametrize("text", ["", "processor: 0\n", "bogomips : fast\n", "bogomips : 0.00\n"])
    def test_it_is_unknown_where_the_host_does_not_tell(self, text: str) -> None:
        assert host.tsc_khz(text) is None

    def test_this_host_gives_a_plausible_one_or_none(self) -> None:
        khz = host.tsc_khz()
        assert khz is None or 500_000 < khz < 10_000_000
