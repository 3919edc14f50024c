"""The probe: which accelerator it finds, what it says, what it remembers; with a toy in place of the VMM."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from era_kernel import process
from era_kernel.errors import ImageError
from era_kernel.launchers import host, probe
from era_kernel.launchers.probe import Trial, probe_qemu, try_boot
from era_kernel.launchers.qemu_args import Accelerator, GuestFiles
from era_kernel.progress import Report

TOY = Path(__file__).with_name("toy_vmm.py")


def no_files(report: Report) -> GuestFiles:
    return GuestFiles(Path("/nowhere/kernel"), Path("/nowhere/initramfs"))


@dataclass(frozen=True)
class Toy:
    """A folder that is first in PATH and holds the toy as `bwrap`."""

    folder: Path

    def does(self, *, kvm: str = "silent", tcg: str = "hello") -> None:
        (self.folder / "kvm").write_text(kvm)
        (self.folder / "tcg").write_text(tcg)

    @property
    def calls(self) -> list[str]:
        """The accelerators of the runs so far."""
        return [accelerator for accelerator, _ in self._log()]

    @property
    def pids(self) -> list[int]:
        return [int(pid) for _, pid in self._log()]

    def _log(self) -> list[list[str]]:
        file = self.folder / "calls"
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "bwrap"
    script.write_text(f"#!{sys.executable} -I\n{TOY.read_text()}")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("ERA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(probe, "KVM_SECONDS", 1.0)
    monkeypatch.setattr(probe, "TCG_SECONDS", 1.5)
    device = tmp_path / "kvm"
    device.touch()
    device.chmod(0o666)
    monkeypatch.setattr(host, "KVM", device)
    made = Toy(folder)
    made.does()
    return made


class TestAnswers:
    def test_kvm_is_taken_where_a_guest_runs_with_it(self, toy: Toy) -> None:
        toy.does(kvm="hello")
        verdict = probe_qemu(no_files)
        assert verdict.accelerator is Accelerator.KVM
        assert verdict.probe.usable
        assert verdict.probe.detail.startswith("QEMU ")
        assert verdict.probe.detail.endswith(", KVM")
        assert toy.calls == ["kvm"]

    def test_a_kvm_on_which_guests_hang_is_found_out(self, toy: Toy) -> None:
        verdict = probe_qemu(no_files)
        assert verdict.accelerator is Accelerator.TCG
        assert "TCG (no hardware virtualization: " in verdict.probe.detail
        assert "opens, but a guest hangs" in verdict.probe.detail
        assert not any(is_running(pid) for pid in toy.pids)

    def test_a_kvm_that_fails_is_told_in_its_own_words(self, toy: Toy) -> None:
        toy.does(kvm="Could not access KVM kernel module")
        assert "Could not access KVM kernel module" in probe_qemu(no_files).probe.detail

    def test_without_kvm_tcg_is_tried_at_once(self, toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(host, "KVM", Path("/nowhere/kvm"))
        assert "there is no /nowhere/kvm" in probe_qemu(no_files).probe.detail
        assert toy.calls == ["tcg"]

    def test_tcg_gets_a_second_chance(self, toy: Toy) -> None:
        toy.does(kvm="no", tcg="silent\nhello")
        assert probe_qemu(no_files).accelerator is Accelerator.TCG
        assert toy.calls == ["kvm", "tcg", "tcg"]

    def test_where_every_guest_hangs_qemu_is_not_usable(self, toy: Toy) -> None:
        toy.does(kvm="no", tcg="silent")
        verdict = probe_qemu(no_files)
        assert verdict.accelerator is None
        assert not verdict.probe.usable
        assert "silent" in verdict.probe.reason
        assert verdict.probe.remedy

    def test_a_jail_that_cannot_be_made_says_how_it_could(self, toy: Toy) -> None:
        line = "bwrap: No permissions to create new namespace"
        toy.does(kvm=line, tcg=line)
        verdict = probe_qemu(no_files).probe
        assert not verdict.usable
        assert "No permissions to create new namespace" in verdict.reason
        assert "unprivileged_userns_clone" in verdict.remedy

    def test_a_missing_program_names_its_package(self, toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "/nowhere")
        verdict = probe_qemu(no_files).probe
        assert not verdict.usable
        assert verdict.reason == "bwrap is not installed"
        assert "bubblewrap" in verdict.remedy

    def test_agent_files_that_cannot_be_had_are_a_reason(self, toy: Toy) -> None:
        def none(report: Report) -> GuestFiles:
            raise ImageError("There is no kernel to be had", "Be online.")

        verdict = probe_qemu(none).probe
        assert (verdict.usable, verdict.reason, verdict.remedy) == (False, "There is no kernel to be had", "Be online.")

    def test_a_cache_folder_that_cannot_be_made_is_a_reason(
        self, toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("ERA_CACHE_DIR", str(tmp_path / "file" / "cache"))
        probe = probe_qemu(no_files).probe
        assert not probe.usable
        assert "Set ERA_CACHE_DIR to a folder that can be written" in probe.remedy


class TestMemory:
    def test_the_second_answer_is_the_first_and_costs_nothing(self, toy: Toy) -> None:
        toy.does(kvm="hello")
        first = probe_qemu(no_files)
        start = time.perf_counter()
        second = probe_qemu(no_files)
        assert time.perf_counter() - start < 0.05
        assert second == first
        assert toy.calls == ["kvm"]

    def test_another_program_or_device_is_tried_anew(self, toy: Toy) -> None:
        toy.does(kvm="hello")
        probe_qemu(no_files)
        os.utime(toy.folder / "bwrap", (1, 1))
        probe_qemu(no_files)
        host.KVM.chmod(0o660)
        probe_qemu(no_files)
        assert toy.calls == ["kvm"] * 3

    def test_bad_news_is_not_remembered(self, toy: Toy) -> None:
        toy.does(kvm="no", tcg="no")
        assert not probe_qemu(no_files).probe.usable
        toy.does(kvm="hello")
        assert probe_qemu(no_files).probe.usable

    @pytest.mark.parametrize("content", [b"", b"{", b"{}", b"\xff", b'{"key": 1}'])
    def test_a_broken_memory_is_no_harm(self, toy: Toy, content: bytes) -> None:
        toy.does(kvm="hello")
        memory = Path(os.environ["ERA_CACHE_DIR"]) / "probe.json"
        memory.parent.mkdir()
        memory.write_bytes(content)
        assert probe_qemu(no_files).probe.usable
        assert probe_qemu(no_files).probe.usable
        assert toy.calls == ["kvm"]

    def test_of_two_processes_one_probes_and_the_other_waits(self, toy: Toy) -> None:
        toy.does(kvm="no", tcg="hello")
        code = (
            "from tests.unit.launchers.test_probe import no_files; from era_kernel.launchers.probe import probe_qemu; "
            "print(probe_qemu(no_files).accelerator)"
        )
        command = [sys.executable, "-c", code]
        root = Path(__file__).parents[3]
        both = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        assert [each.communicate(timeout=60)[0].strip() for each in both] == ["tcg", "tcg"]
        assert toy.calls.count("tcg") == 1


class TestTrial:
    def test_a_vmm_that_ends_gives_its_last_words_without_control_characters(self) -> None:
        script = r"printf 'first\n\033]0;title\007last\n\n' >&2; exit 3"
        assert try_boot(("/bin/bash", "-c", script), 10) == Trial(False, hung=False, end="]0;titlelast")

    def test_that_the_machine_went_off_is_not_the_reason(self) -> None:
        script = "printf 'era-agent: no disk\\n[ 1.10] reboot: Power down\\n' >&2"
        assert try_boot(("/bin/bash", "-c", script), 10).end == "era-agent: no disk"

    def test_a_vmm_that_says_nothing(self) -> None:
        assert try_boot(("/bin/true",), 10) == Trial(False)

    def test_an_endless_console_neither_fills_memory_nor_holds_the_limit(self) -> None:
        start = time.monotonic()
        trial = try_boot(("/bin/bash", "-c", "exec yes >&2"), 0.5)
        assert (trial.ran, trial.hung) == (False, True)
        assert time.monotonic() - start < 5

    def test_what_outlives_the_vmm_is_waited_for(self, tmp_path: Path) -> None:
        mark = tmp_path / "ended"
        script = f"(sleep 1; touch {mark}) & printf '{octal_hello()}'; sleep 60"
        assert try_boot(("/bin/bash", "-c", script), 10).ran
        assert mark.exists()


def octal_hello() -> str:
    """A HELLO frame for printf."""
    payload = (1).to_bytes(4, "big") + bytes(16) + b"toy"
    frame = (5 + len(payload)).to_bytes(4, "big") + b"\x01" + bytes(4) + payload
    return "".join(f"\\{byte:03o}" for byte in frame)


def is_running(pid: int) -> bool:
    try:
        return process.is_alive(process.identify(pid))
    except ProcessLookupError:
        return False
