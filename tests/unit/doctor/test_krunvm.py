"""What doctor says of krunvm: each finding that asks for something says what to do."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from era_kernel.doctor import krunvm
from era_kernel.doctor.finding import Grade


def test_a_krunvm_that_is_not_there_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    finding = krunvm.check_krunvm()
    assert finding.grade is Grade.INFO
    assert "setup.sh" in finding.remedy


def test_a_krunvm_that_is_there_tells_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "krunvm"
    tool.write_text("#!/bin/sh\necho krunvm 0.2.6\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert krunvm.check_krunvm().detail == f"{tool}: krunvm 0.2.6"


def test_libraries_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(krunvm, "_LIBRARIES", (tmp_path,))
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    assert "libkrun and libkrunfw not found" in krunvm.check_libkrun().detail
    for name in ("libkrun.so.1", "libkrunfw.so.4"):
        (tmp_path / name).touch()
    assert krunvm.check_libkrun().grade is Grade.OK


def test_only_macos_needs_a_volume() -> None:
    if platform.system() != "Darwin":
        assert krunvm.check_volume().grade is Grade.INFO


def test_a_volume_is_tried_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert krunvm.check_volume(tmp_path).grade is Grade.OK
    assert krunvm.check_volume(tmp_path / "none").grade is Grade.WARNING
    monkeypatch.setattr(krunvm, "is_case_sensitive", lambda folder: False)
    finding = krunvm.check_volume(tmp_path)
    assert (finding.grade, "macos/setup.sh" in finding.remedy) == (Grade.WARNING, True)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"CONTAINERS_POLICY": "/no/such/policy.json"}, "CONTAINERS_POLICY names /no/such/policy.json"),
        ({"STORAGE_CONF": "/no/such/storage.conf"}, "STORAGE_CONF names"),
    ],
)
def test_an_environment_that_cannot_be_meant_is_told_of(environ: dict[str, str], words: str) -> None:
    finding = krunvm.check_environment(environ)
    assert finding.grade is Grade.WARNING
    assert words in finding.detail
    assert finding.remedy


def test_an_environment_that_can_is_shown() -> None:
    assert krunvm.check_environment({}).detail == "our own files"
    assert "KRUNVM_DATA_DIR=/data" in krunvm.check_environment({"KRUNVM_DATA_DIR": "/data"}).detail
