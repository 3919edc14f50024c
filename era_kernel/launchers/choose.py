"""Which launcher runs a VM: the one asked for, or the first that can."""

from __future__ import annotations

import os
from collections.abc import Callable

from era_kernel.errors import LauncherError, UsageError
from era_kernel.launchers.base import Launcher, Probe

RUNTIME_VARIABLE = "AGENT_VM_RUNTIME"
AUTO = "auto"


def _krunvm() -> Launcher:
    from era_kernel.launchers.krunvm import KrunvmLauncher

    return KrunvmLauncher()


def _qemu() -> Launcher:
    from era_kernel.launchers.qemu import QemuLauncher

    return QemuLauncher()


_LAUNCHERS: dict[str, Callable[[], Launcher]] = {"krunvm": _krunvm, "qemu": _qemu}
"""In the order in which `auto` tries them."""


def launcher_named(name: str) -> Launcher:
    """The launcher of a VM's record, not probed. UsageError for an unknown name, LauncherError for one not there."""
    make = _LAUNCHERS.get(name.strip().lower())
    if make is None:
        raise UsageError(f"There is no VM runtime {name!r}", f"Runtimes: {AUTO}, {', '.join(_LAUNCHERS)}.")
    return make()


def choose_launcher(name: str | None = None) -> Launcher:
    """The launcher `name`, else $AGENT_VM_RUNTIME's, else the first that runs a guest here.

    Raises UsageError for an unknown name and LauncherError, with the reasons, when none runs a guest.
    """
    wanted = (name or os.environ.get(RUNTIME_VARIABLE) or AUTO).strip().lower()
    candidates = list(_LAUNCHERS) if wanted == AUTO else [wanted]
    failures: list[tuple[str, Probe]] = []
    for candidate in candidates:
        try:
            launcher = launcher_named(candidate)
        except LauncherError:
            if wanted != AUTO:
                raise
            continue
        probe = launcher.probe()
        if probe.usable:
            return launcher
        failures.append((candidate, probe))
    reasons = "; ".join(f"{launcher}: {probe.reason}" for launcher, probe in failures)
    remedies = " ".join(dict.fromkeys(probe.remedy for _, probe in failures if probe.remedy))
    raise LauncherError(f"No VM can run here. {reasons}", remedies or "`era doctor` tells more.")


def probe_all() -> dict[str, Probe]:
    """Each known launcher's probe, for `era doctor`."""
    return {name: _probe(make) for name, make in _LAUNCHERS.items()}


def _probe(make: Callable[[], Launcher]) -> Probe:
    try:
        return make().probe()
    except LauncherError as error:
        return Probe(False, "", error.message, error.remedy)
