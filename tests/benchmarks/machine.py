"""What figures depend on: the machine, and the versions of all that runs."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

import psutil

from era_kernel import __version__, process
from era_kernel.images.guest_kernel import guest_kernel
from era_kernel.launchers.probe import QEMU
from era_kernel.launchers.qemu import QemuLauncher
from tests.benchmarks.room import say

GIB = 1 << 30
QEMU_SECONDS = 20.0


def facts() -> dict[str, str]:
    """By name, in the order in which they are shown."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return {
        "date": time.strftime("%Y-%m-%d"),
        "CPU": f"{_cpu_model()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / GIB:.0f} GiB",
        "load before the run": load,
        "host": platform.platform(),
        "launcher": QemuLauncher().probe().detail,
        "QEMU": process.run([QEMU, "--version"], timeout=QEMU_SECONDS).stdout.splitlines()[0],
        "guest kernel": guest_kernel(say).version,
        "Python": platform.python_version(),
        "ipykernel": version("ipykernel"),
        "jupyter_client": version("jupyter_client"),
        "era_kernel": __version__,
    }


def _cpu_model() -> str:
    """As Linux names it (proc(5), /proc/cpuinfo); on some architectures it has no name there."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
