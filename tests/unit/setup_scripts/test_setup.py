"""The setup scripts, with toys for the tools that they call: what is run, and that a second run repeats nothing."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LINUX = Path("setup_scripts/linux/setup.sh")
MACOS = Path("setup_scripts/macos/setup.sh")
SYSTEM = (
    *("bash", "cat", "chmod", "dirname", "env", "grep", "head", "id", "mkdir", "mktemp", "mv", "rm", "sed", "tail"),
    "sort",
)
SECONDS = 60


@dataclass(frozen=True)
class Host:
    """A host whose PATH has the toys and a few real tools only. `calls` is what the toys were called with.

    Its checkout is a copy without a `.venv`, whose `era` would be taken in place of the toy.
    """

    folder: Path

    def has(self, name: str, script: str = "") -> None:
        tool = self.folder / "bin" / name
        tool.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.folder}/calls\n{script}\n')
        tool.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def run(self, script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": str(self.folder / "bin"), "HOME": str(self.folder / "home")}
        return subprocess.run(
            ["/bin/bash", self.folder / script, *arguments],
            env=env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )


@pytest.fixture
def host(tmp_path: Path) -> Host:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tmp_path / "home").mkdir()
    shutil.copytree(ROOT / "setup_scripts", tmp_path / "setup_scripts")
    for name in SYSTEM:
        (tools / name).symlink_to(Path("/usr/bin") / name)
    made = Host(tmp_path)
    made.has("sudo", '"$@"')
    made.has("era")
    return made


class TestLinux:
    @pytest.mark.parametrize("manager", ["apt-get", "dnf", "pacman", "zypper"])
    def test_it_installs_with_what_the_distribution_has(self, host: Host, manager: str) -> None:
        asked = {"dnf": '[ "$2" != info ]', "pacman": '[ "$1" != -Si ]'}
        host.has(manager, asked.get(manager, ""))
        host.has("apt-cache", "exit 100")
        done = host.run(LINUX)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "knows no package krunvm" in done.stdout
        assert "QEMU runs the VMs meanwhile" in done.stdout
        installed = [call for call in host.calls if "buildah" in call and call.startswith(manager)]
        assert len(installed) == 1
        assert "krunvm" not in installed[0]

    def test_krunvm_is_installed_where_there_is_a_package(self, host: Host) -> None:
        host.has("apt-get")
        host.has("apt-cache")
        assert host.run(LINUX).returncode == 0
        assert any(call.startswith("apt-get install") and call.endswith(" krunvm") for call in host.calls)

    def test_a_dry_run_changes_nothing(self, host: Host) -> None:
        host.has("apt-get", "exit 1")
        host.has("apt-cache", "exit 100")
        done = host.run(LINUX, "--dry-run")
        assert done.returncode == 0, done.stderr
        assert not any(call.startswith(("apt-get", "sudo", "era")) for call in host.calls)
        assert "would run: as_root" in done.stdout

    def test_without_a_package_manager_it_says_what_is_needed(self, host: Host) -> None:
        done = host.run(LINUX)
        assert done.returncode == 1
        assert "what to do: install buildah" in done.stderr

    def test_an_installation_that_fails_is_told_of(self, host: Host) -> None:
        host.has("apt-get", '[ "$1" != install ] || { echo "no space" >&2; exit 1; }')
        host.has("apt-cache", "exit 100")
        done = host.run(LINUX)
        assert done.returncode == 1
        assert "no space" in done.stderr

    def test_an_unknown_argument_is_refused(self, host: Host) -> None:
        host.has("apt-get")
        assert host.run(LINUX, "--help-me").returncode == 1


class TestMacos:
    @pytest.fixture
    def mac(self, host: Host) -> Host:
        host.has("uname", 'if [ "$1" = -m ]; then echo arm64; else echo Darwin; fi')
        host.has(
            "brew",
            f'case "$1 $2" in "list --versions") [ -e {host.folder}/has-$3 ];;\n'
            f'"install "*) touch {host.folder}/has-$2;;\n"--prefix ") echo /opt/homebrew;; esac',
        )
        (host.folder / "bin/touch").symlink_to("/usr/bin/touch")
        volume = host.folder / "volume"
        host.has(
            "diskutil",
            f'case "$1 $2" in "info /") echo "   APFS Container:    disk3";;\n'
            f'"info {volume}") [ -d {volume} ] && echo "   File System Personality: Case-sensitive APFS";;\n'
            f'"apfs addVolume") mkdir {volume};; esac',
        )
        host.has("krunvm", "cat >/dev/null")
        return host

    def setup(self, mac: Host, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {
            "PATH": str(mac.folder / "bin"),
            "HOME": str(mac.folder / "home"),
            "KRUNVM_VOLUME": str(mac.folder / "volume"),
        }
        return subprocess.run(
            ["/bin/bash", mac.folder / MACOS, *arguments],
            env=env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def test_it_makes_volume_folders_and_environment_once(self, mac: Host) -> None:
        done = self.setup(mac)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "diskutil apfs addVolume disk3 Case-sensitive APFS volume" in mac.calls
        state = mac.folder / "home/agentVM"
        assert {path.name for path in state.iterdir()} == {".env", "containers", "krunvm", "persist", "vms"}
        assert {path.stat().st_mode & 0o777 for path in (state, state / "vms")} == {0o700}
        sourced = subprocess.run(
            ["/bin/bash", "-c", f". {state}/.env; echo $AGENT_STATE_DIR"],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
        assert sourced.stdout.strip() == str(state)
        assert any(call.startswith("brew install krunvm") for call in mac.calls)
        before = len(mac.calls)
        again = self.setup(mac)
        assert again.returncode == 0, again.stderr
        repeated = [call for call in mac.calls[before:] if "addVolume" in call or "brew install" in call]
        assert repeated == []
        assert ".env is up to date" in again.stdout

    def test_a_dry_run_changes_nothing(self, mac: Host) -> None:
        done = self.setup(mac, "--dry-run")
        assert done.returncode == 0, done.stderr
        assert not (mac.folder / "home/agentVM").exists()
        assert not (mac.folder / "volume").exists()
        assert not any("addVolume" in call or "brew install" in call for call in mac.calls)
        assert "would run: diskutil apfs addVolume disk3" in done.stdout

    def test_a_volume_that_is_not_case_sensitive_is_refused(self, mac: Host) -> None:
        (mac.folder / "volume").mkdir()
        mac.has("diskutil", 'echo "   File System Personality: APFS"')
        done = self.setup(mac)
        assert done.returncode == 1
        assert "is not case-sensitive" in done.stderr

    def test_uninstalling_keeps_the_users_data(self, mac: Host) -> None:
        assert self.setup(mac).returncode == 0
        (mac.folder / "home/agentVM/vms/data").touch()
        done = self.setup(mac, "--uninstall")
        assert done.returncode == 0, done.stderr
        assert "brew uninstall krunvm" in mac.calls
        assert not (mac.folder / "home/agentVM/.env").exists()
        assert (mac.folder / "home/agentVM/vms/data").exists()

    def test_elsewhere_it_says_where_to_go(self, host: Host) -> None:
        host.has("uname", "echo Linux")
        done = host.run(MACOS)
        assert done.returncode == 1
        assert "linux/setup.sh" in done.stderr
