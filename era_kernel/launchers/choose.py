"""Which launcher runs a VM: the one asked for, or the first that can."""

from __future__ import annotations

from era_kernel.config.sources import setting
from era_kernel.errors import LauncherError, UsageError
from era_kernel.launchers import registry
from era_kernel.launchers.base import Launcher, Probe

AUTO = "auto"


def launcher_named(name: str) -> Launcher:
    """The launcher of a VM's record, not probed. UsageError for an unknown name, LauncherError for one not there."""
    launcher = registry.find_launcher(name.strip().lower())
    if launcher is None:
        raise UsageError(f"There is no VM runtime {name!r}", f"Runtimes: {AUTO}, {', '.join(registry.names())}.")
    return launcher


def choose_launcher(name: str | None = None) -> Launcher:
    """The launcher `name`, else the one configured (AGENT_VM_RUNTIME), else the first that runs a guest.

    Raises UsageError for an unknown name and LauncherError, with the reasons, when none runs a guest.
    """
    wanted = (name or setting("vm_runtime")).strip().lower()
    candidates = registry.names() if wanted == AUTO else [wanted]
    failures: list[tuple[str, Probe]] = []
    for candidate in candidates:
        try:
            launcher = launcher_named(candidate)
        except LauncherError as error:
            if wanted != AUTO:
                raise
            failures.append((candidate, Probe(False, "", error.message, error.remedy)))
            continue
        probe = launcher.probe()
        if probe.usable:
            return launcher
        failures.append((candidate, probe))
    reasons = "; ".join(f"{launcher}: {probe.reason}" for launcher, probe in failures)
    told = [(launcher, probe.remedy) for launcher, probe in failures if probe.remedy]
    remedies = [f"For {launcher}: {remedy}" if len(failures) > 1 else remedy for launcher, remedy in told]
    if wanted != AUTO:
        remedies.append(f"--vm-runtime {AUTO} takes what works here.")
    raise LauncherError(f"No VM can run here. {reasons}", " ".join(remedies) or "`era doctor` tells more.")


def probe_all() -> dict[str, Probe]:
    """Each known launcher's probe, for `era doctor`."""
    return {name: _probe(name) for name in registry.names()}


def _probe(name: str) -> Probe:
    try:
        return launcher_named(name).probe()
    except LauncherError as error:
        return Probe(False, "", error.message, error.remedy)
