"""What tests of the service ask of the host."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

from era_kernel.models import Purpose, VmRecord, VmSpec
from era_kernel.paths import StatePaths
from era_kernel.service.locks import vm_lock_path
from era_kernel.store.repository import FRESH, VmRepository

IMAGE = "localhost/era/toy"


class Collected:
    """An output that keeps what each VM wrote."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, int], bytes] = {}

    def __call__(self, vm_id: str, fd: int, data: bytes) -> None:
        self.texts[vm_id, fd] = self.texts.get((vm_id, fd), b"") + data


def ignore(vm_id: str, fd: int, data: bytes) -> None:
    """An output for those who do not look."""


def eventually(condition: Callable[[], object], seconds: float = 10.0) -> bool:
    """Whether a condition comes true within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


def processes_of(state: StatePaths) -> list[list[str]]:
    """Command lines of living processes that name something in the state folder: shims, VMMs with disks."""
    return [
        each.info["cmdline"]
        for each in psutil.process_iter(["cmdline", "status"])
        if each.info["status"] != psutil.STATUS_ZOMBIE
        and any(str(state.root) in argument for argument in each.info["cmdline"] or [])
    ]


def left_over(state: StatePaths) -> dict[str, object]:
    """All that a state folder without VMs should not hold."""
    found = {
        "records": VmRepository(state).all(),
        "folders": [folder for folder in state.vms.iterdir() if folder.name != FRESH],
        "persists": list(state.persists.iterdir()),
        "locks": list(vm_lock_path(state, "x").parent.glob("python-*")),
        "processes": processes_of(state),
    }
    return {name: items for name, items in found.items() if items}


def made_up(number: int = 1, purpose: Purpose = Purpose.USER) -> VmRecord:
    """A record of a VM that nobody made."""
    return VmRecord(f"python-{number:08x}", VmSpec("python", IMAGE), purpose, "agent", "sha256:0", float(number))
