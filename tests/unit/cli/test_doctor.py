"""`era doctor` and its findings, as far as they need no VM."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from era_kernel.doctor import folders, jupyter
from era_kernel.doctor.checks import all_checks, healthy
from era_kernel.doctor.finding import Finding, Grade
from era_kernel.doctor.guest import isolation
from era_kernel.doctor.tools import PROGRAMS, Program, check_program
from era_kernel.kernel.install import install_spec
from era_kernel.languages import LANGUAGES
from era_kernel.launchers.base import Probe
from tests.unit.cli.support import Era

PYTHON = LANGUAGES["python"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of its own for state, cache and Jupyter."""
    monkeypatch.setenv("AGENT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("ERA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    return tmp_path


def test_a_host_without_any_program_is_told_what_to_install(era: Era, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    ended = era("doctor", "--json", env={"PATH": str(tmp_path / "bin")})
    assert ended.status == 1
    findings = {each["name"]: each for each in json.loads(ended.stdout)}
    missing = {program.name for program in PROGRAMS if program.grade is Grade.FAILED}
    assert missing <= {name for name, each in findings.items() if each["grade"] == "failed"}
    assert findings["bubblewrap"]["remedy"] == "Install the package bubblewrap, then try again."
    assert findings["C compiler"]["grade"] == "info"
    assert all(each["remedy"] for each in findings.values() if each["grade"] in ("failed", "warning"))
    assert not any("the check broke" in each["detail"] for each in findings.values())


def test_the_table_names_every_finding_and_the_verdict(era: Era, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    ended = era("doctor", env={"PATH": str(tmp_path / "bin")})
    assert ended.status == 1
    assert all(program.name in ended.stdout for program in PROGRAMS)
    assert ended.stdout.splitlines()[-1] == "VMs do not run here yet: see what is marked failed."


def test_every_check_has_a_name_of_its_own() -> None:
    names = [name for name, _ in all_checks(print)]
    assert len(set(names)) == len(names)


def test_a_program_that_is_there_tells_its_version() -> None:
    finding = check_program(Program("shell", "bash"))
    assert finding.grade is Grade.OK
    assert "version" in finding.detail


def test_a_program_that_does_not_work_is_a_failure() -> None:
    finding = check_program(Program("broken", "false"))
    assert (finding.grade, bool(finding.remedy)) == (Grade.FAILED, True)


def test_only_failures_make_a_host_unfit() -> None:
    fit = [Finding("a", Grade.OK, ""), Finding("b", Grade.WARNING, "", "do"), Finding("c", Grade.INFO, "")]
    assert healthy(fit)
    assert not healthy([*fit, Finding("d", Grade.FAILED, "", "do")])


def test_emulation_is_said_to_be_no_boundary() -> None:
    (found,) = isolation({"qemu": Probe(True, "QEMU 7.2, TCG (no hardware virtualization: …)")})
    assert "no security boundary" in found.detail
    assert "jailed by bubblewrap" in found.detail
    assert isolation({"qemu": Probe(True, "QEMU 7.2, KVM")}) == []


def test_folders_with_their_figures(home: Path) -> None:
    (home / "cache").mkdir()
    (home / "cache" / "image").write_bytes(bytes(3 << 20))
    cache, state = folders.check_cache(), folders.check_state()
    assert "3 MiB used" in cache.detail
    assert "free" in cache.detail
    assert state.detail.startswith(f"{home / 'state'}: 0 VMs")


def test_a_folder_that_cannot_be_used_has_a_remedy(home: Path) -> None:
    (home / "state").touch()
    (home / "cache").touch()
    for finding, variable in ((folders.check_state(), "AGENT_STATE_DIR"), (folders.check_cache(), "ERA_CACHE_DIR")):
        assert finding.grade is Grade.FAILED
        assert variable in finding.remedy


def test_little_room_is_a_warning(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "LOW_SPACE", shutil.disk_usage(home).total)
    assert folders.check_cache().grade is Grade.WARNING


def test_a_registry_that_cannot_be_read_is_a_failure(home: Path) -> None:
    assert folders.check_registry().grade is Grade.OK
    (home / "state" / "registry.json").write_text(json.dumps({"vms": {}, "future": {}}))
    finding = folders.check_registry()
    assert (finding.grade, bool(finding.remedy)) == (Grade.FAILED, True)


def test_sizes_are_for_people() -> None:
    assert [folders.size(5 << 20), folders.size(7 << 29)] == ["5 MiB", "3.5 GiB"]


def test_a_kernelspec_has_to_start_this_python(home: Path) -> None:
    kernels = home / "jupyter" / "kernels"
    install_spec(PYTHON, kernels, sys.executable)
    assert jupyter.check_kernelspec(PYTHON).grade is Grade.OK
    install_spec(PYTHON, kernels, "/no/such/python")
    finding = jupyter.check_kernelspec(PYTHON)
    assert finding.grade is Grade.WARNING
    assert "which does not exist" in finding.detail
    assert "`era install`" in finding.remedy
    (kernels / "era-python" / "kernel.json").write_text("{}")
    assert "is not ours" in jupyter.check_kernelspec(PYTHON).detail


def test_a_missing_kernelspec_is_a_warning(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *parts: [os.path.join(home, *parts)])  # noqa: PTH118
    assert jupyter.check_kernelspec(PYTHON).grade is Grade.WARNING
