"""Which launcher is chosen, and what is said when none can be."""

from __future__ import annotations

import pytest

from era_kernel.errors import LauncherError, UsageError
from era_kernel.launchers import choose
from era_kernel.launchers.qemu import QemuLauncher


@pytest.fixture(autouse=True)
def _no_runtime_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGENT_VM_RUNTIME", raising=False)


def test_a_name_gives_its_launcher_whatever_its_case() -> None:
    assert isinstance(choose.launcher_named("QEMU"), QemuLauncher)


@pytest.mark.parametrize("name", ["docker", "", "auto"])
def test_an_unknown_name_is_the_callers_mistake(name: str) -> None:
    with pytest.raises(UsageError):
        choose.launcher_named(name)


def test_an_unknown_name_in_the_environment_is_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_VM_RUNTIME", "docker")
    with pytest.raises(UsageError, match="docker") as caught:
        choose.choose_launcher()
    assert caught.value.exit_status == 2


def test_a_krunvm_that_is_not_installed_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LauncherError, match=r"krunvm is not installed\. Install the package krunvm") as caught:
        choose.choose_launcher("krunvm")
    assert caught.value.exit_status == 1


def test_without_a_bubblewrap_nothing_runs_unjailed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    for name in ("qemu", "auto", None):
        with pytest.raises(LauncherError, match="Install the package bubblewrap"):
            choose.choose_launcher(name)


def test_doctor_hears_of_every_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    probes = choose.probe_all()
    assert list(probes) == ["krunvm", "qemu"]
    assert not any(probe.usable for probe in probes.values())
    assert all(probe.reason and probe.remedy for probe in probes.values())
