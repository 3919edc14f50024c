"""The krunvm launcher against krunvms that do not do what they should: toys in its place."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from era_kernel.errors import BootError, EraError, ImageError, LauncherError, ToolFailedError, VmStateError
from era_kernel.launchers import held, krunvm, krunvm_probe
from era_kernel.launchers.krunvm import KrunvmLauncher
from era_kernel.launchers.krunvm_jail import KrunvmView, view_argv
from era_kernel.models import Network, Purpose, VmRecord, VmSpec
from era_kernel.paths import StatePaths, VmPaths
from era_kernel.shim.spawn import start_shim

LISTED = "\\n%s\\n CPUs: 1\\n RAM (MiB): 256\\n Buildah container: c\\n Mapped volumes: {}\\n\\n"


@dataclass(frozen=True)
class Toy:
    """A krunvm that is a shell script; `calls` is what it was called with."""

    folder: Path
    paths: VmPaths
    state: StatePaths
    record: VmRecord

    def does(self, script: str) -> None:
        file = self.folder / "krunvm"
        file.write_text(f'#!/bin/sh\n{{ echo "$*" >> {self.folder}/calls; }} 2>/dev/null\n{script}\n')
        file.chmod(0o755)

    def knows_the_vm(self, cpus: int = 1) -> None:
        listed = LISTED % self.record.id
        self.does(f"[ \"$1\" != list ] || printf '{listed}' | sed 's/CPUs: 1/CPUs: {cpus}/'")

    @property
    def calls(self) -> list[str]:
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def prepare(self) -> None:
        KrunvmLauncher().prepare(self.record, self.paths, print)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.delenv("AGENT_ENABLE_GUEST_VOLUMES", raising=False)
    # Its making has tests of its own, and no toy looks at it.
    monkeypatch.setattr(krunvm, "prepared_image", lambda *_: "localhost/era-krunvm:toy")
    state = StatePaths(tmp_path / "state")
    record = VmRecord(
        "python-00000001", VmSpec("python", "toy"), Purpose.USER, "krunvm", "sha256:" + "0" * 64, created=1.0
    )
    paths = state.vm(record.id)
    paths.folder.mkdir(parents=True)
    return Toy(folder, paths, state, record)


def test_a_vm_that_krunvm_has_is_not_made_again(toy: Toy) -> None:
    toy.knows_the_vm()
    toy.prepare()
    assert toy.calls == ["list"]


def test_a_vm_that_differs_is_changed(toy: Toy) -> None:
    toy.knows_the_vm(cpus=2)
    toy.prepare()
    assert toy.calls == ["list", f"changevm --cpus 1 {toy.record.id}"]


def test_a_creation_without_a_vm_is_an_error_although_it_ends_well(toy: Toy) -> None:
    toy.does("")
    with pytest.raises(LauncherError, match="krunvm create` printed"):
        toy.prepare()
    toy.does('[ "$1" != create ] || echo "microVM created with name: $3"')
    with pytest.raises(LauncherError, match="does not list it"):
        toy.prepare()


def test_what_was_half_made_is_remembered_and_deleted(toy: Toy) -> None:
    toy.does('[ "$1" != create ] || kill -9 $$')
    with pytest.raises(ToolFailedError, match="status -9"):
        toy.prepare()
    assert [each.id for each in held.held_but_unknown(toy.state, set())] == [toy.record.id]
    KrunvmLauncher().delete(toy.record, toy.paths)
    assert toy.calls[-1] == f"delete {toy.record.id}"
    assert held.held_but_unknown(toy.state, set()) == []


def test_a_vm_that_is_gone_counts_as_deleted(toy: Toy) -> None:
    held.hold(toy.state, toy.record)
    toy.does("echo 'No VM found with that name'; exit 255")
    KrunvmLauncher().delete(toy.record, toy.paths)
    assert not held.holds(toy.state, toy.record.id)


def test_a_deletion_that_fails_is_tried_again_later(toy: Toy) -> None:
    held.hold(toy.state, toy.record)
    toy.does("echo 'buildah returned an error: busy'; exit 255")
    with pytest.raises(EraError, match="buildah failed under krunvm: busy"):
        KrunvmLauncher().delete(toy.record, toy.paths)
    assert held.holds(toy.state, toy.record.id)


def test_what_krunvm_never_had_is_not_asked_for(toy: Toy) -> None:
    toy.does("exit 1")
    KrunvmLauncher().delete(toy.record, toy.paths)
    assert toy.calls == []


def test_what_buildah_said_is_told(toy: Toy) -> None:
    toy.does("echo 'no space left on device' >&2; echo 'buildah returned an error: '; exit 255")
    with pytest.raises(ImageError, match="buildah failed under krunvm: no space left on device"):
        toy.prepare()


def test_a_krunvm_that_hangs_is_ended(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(krunvm, "COMMAND_SECONDS", 0.5)
    toy.does("sleep 60")
    with pytest.raises(ToolFailedError, match="took longer"):
        toy.prepare()


def test_an_old_krunvm_is_called_old(toy: Toy) -> None:
    toy.does("echo \"error: Found argument '--env' which wasn't expected\" >&2; exit 2")
    with pytest.raises(LauncherError, match=r"too old.*0\.2\.6"):
        toy.prepare()


def test_without_a_network_of_its_own_none_is_refused(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(LauncherError, match="cannot keep a VM off the network"):
        toy.prepare()
    krunvm.check_network(Network.ALLOW_ALL)
    assert toy.calls == []


@pytest.mark.parametrize("spec", [VmSpec("python", "toy", cpu=9), VmSpec("python", "toy", mem=16385)])
def test_what_krunvm_cannot_give_is_refused_before_it_is_asked(toy: Toy, spec: VmSpec) -> None:
    toy.does("")
    record = VmRecord(toy.record.id, spec, Purpose.USER, "krunvm", toy.record.digest, created=1.0)
    with pytest.raises(LauncherError, match="at most 8 vCPUs and 16384 MiB"):
        KrunvmLauncher().prepare(record, toy.paths, print)
    assert toy.calls == []


def test_the_start_has_no_network_and_sees_only_what_it_needs(toy: Toy) -> None:
    toy.knows_the_vm()
    toy.prepare()
    plan = KrunvmLauncher().plan(toy.record, toy.paths)
    words = list(plan.argv)
    assert words[-6:] == [
        str(toy.folder / "krunvm"),
        "start",
        "--env",
        "ERA_AGENT_SYSTEM=1",
        toy.record.id,
        "/.era/agent",
    ]
    assert {"--unshare-net", "--die-with-parent", "--unshare-pid"} <= set(words)
    shown = {words[place + 1] for place, word in enumerate(words) if word in ("--bind", "--ro-bind", "--dev-bind")}
    writable = {words[place + 1] for place, word in enumerate(words) if word == "--bind"}
    assert not shown & {"/", "/home", "/root", "/var", str(toy.state.root), str(toy.paths.folder)}
    assert all(Path(folder).is_relative_to(toy.state.root) for folder in writable)
    assert "HOME" not in plan.env or plan.env["HOME"] not in shown


def test_allow_all_has_the_hosts_network() -> None:
    view = KrunvmView("/usr/bin/bwrap", (), (), network=True)
    assert "--unshare-net" not in view_argv(view, ["krunvm"])


def test_guest_volumes_are_the_vms_own_and_closed_to_others(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_ENABLE_GUEST_VOLUMES", "1")
    listed = (LISTED % toy.record.id).replace("{}", "{}")
    toy.does(f"[ \"$1\" != list ] || printf '{listed}'")
    toy.prepare()
    folders = krunvm.volumes(toy.paths)
    assert list(folders.values()) == ["/in", "/out", "/persist"]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
    mapped = " ".join(f"--volume {folder}:{guest}" for folder, guest in folders.items())
    assert toy.calls[-1] == f"changevm {mapped} {toy.record.id}"


@pytest.mark.parametrize(
    ("script", "reason", "remedy"),
    [
        ("echo 'Error starting VM'; exit 255", "libkrun could not start the VM", "/dev/kvm"),
        ("echo 'No VM found with name x'; exit 255", "does not know the VM", "again"),
        ("exit 0", "did not start a guest: it said nothing", "krunvm"),
        ("echo 'gibberish: 42'; exit 3", "did not start a guest: gibberish: 42", "krunvm"),
        ("echo \"error: unexpected argument '--env' found\" >&2; exit 2", "too old", "0.2.6"),
        ("head -c 10000 /dev/zero; sleep 60", "did not start a guest", "krunvm"),
        ("sleep 60", "its guest was silent", "krunvm"),
    ],
)
def test_a_probe_runs_a_guest_or_says_why_not(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, reason: str, remedy: str
) -> None:
    monkeypatch.setenv("ERA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("AGENT_STATE_DIR", str(toy.state.root))
    monkeypatch.setattr(krunvm_probe, "BOOT_SECONDS", 1.0)
    toy.does(
        'case "$1" in\n--version) echo krunvm 0.2.6;;\n'
        'create) echo "microVM created with name: $3";;\n'
        f"start) {script};;\nesac"
    )
    probe = KrunvmLauncher().probe()
    assert not probe.usable
    assert reason in probe.reason
    assert remedy in probe.remedy
    name = toy.calls[1].split()[2]
    assert toy.calls[-1] == f"delete {name}"


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ('echo "No VM found with name python-00000001"; exit 255', VmStateError, "does not know the VM"),
        ("echo 'Error setting VM mapped volumes'; exit 255", LauncherError, "could not map"),
        ("printf '\\000\\000\\000\\003abcdefghijklmnop'; sleep 5", LauncherError, "libkrun 1.7"),
        ("echo 'something new'; sleep 5", LauncherError, "libkrun 1.7"),
        ("echo 'a crash' >&2; exit 101", BootError, "ended with status 101"),
    ],
)
def test_a_start_that_fails_says_what_to_do(toy: Toy, script: str, kind: type[EraError], words: str) -> None:
    """By a real shim, from what the toy prints instead of frames."""
    toy.knows_the_vm()
    KrunvmLauncher().prepare(toy.record, toy.paths, print)
    toy.does(script)
    toy.paths.boot_plan.write_bytes(msgspec.json.encode(KrunvmLauncher().plan(toy.record, toy.paths)))
    with pytest.raises(BootError) as caught:
        start_shim(toy.paths)
    error = KrunvmLauncher().explain(caught.value)
    assert type(error) is kind
    assert words in str(error)


def test_a_network_says_what_it_reaches(toy: Toy) -> None:
    toy.knows_the_vm()
    spec = VmSpec("python", "toy", network=Network.ALLOW_ALL)
    record = VmRecord(toy.record.id, spec, Purpose.USER, "krunvm", toy.record.digest, created=1.0)
    said: list[str] = []
    KrunvmLauncher().prepare(record, toy.paths, said.append)
    assert any("loopback" in line for line in said)
