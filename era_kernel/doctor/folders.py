"""Can the state and the cache be written, is there room, is the registry readable?"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from era_kernel.doctor.finding import Finding, Grade, failed
from era_kernel.errors import EraError
from era_kernel.paths import cache_root, open_state

LOW_SPACE = 4 << 30
"""Bytes. An image's disk, its build and a few VMs' own disks need about this much."""


def check_state() -> Finding:
    name = "state folder"
    try:
        root = open_state().root
        _try_write(root)
    except EraError as error:
        return failed(name, error)
    except OSError as error:
        return Finding(name, Grade.FAILED, f"not writable: {error}", "Set AGENT_STATE_DIR to a folder that is.")
    return _with_space(name, root, f"{root}: {count(len(list((root / 'vms').iterdir())), 'VM')}")


def check_registry() -> Finding:
    from era_kernel.store.repository import VmRepository

    name = "registry"
    try:
        state = open_state()
        records = VmRepository(state).all()
    except EraError as error:
        return failed(name, error)
    return Finding(name, Grade.OK, f"{state.registry}: {count(len(records), 'record')}")


def check_cache() -> Finding:
    name = "cache folder"
    root = cache_root()
    try:
        root.mkdir(parents=True, exist_ok=True)
        _try_write(root)
    except OSError as error:
        return Finding(name, Grade.FAILED, f"not writable: {error}", "Set ERA_CACHE_DIR to a folder that is.")
    return _with_space(name, root, f"{root}: {size(_used(root))} used")


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def size(number: int) -> str:
    """Bytes for a person: `512 MiB`, `3.4 GiB`."""
    return f"{number / (1 << 30):.1f} GiB" if number >= 1 << 30 else f"{number / (1 << 20):.0f} MiB"


def _with_space(name: str, folder: Path, detail: str) -> Finding:
    free = shutil.disk_usage(folder).free
    detail = f"{detail}, {size(free)} free"
    if free < LOW_SPACE:
        remedy = f"Make room: images and VMs need about {size(LOW_SPACE)}. `era vm clean` deletes VMs."
        return Finding(name, Grade.WARNING, detail, remedy)
    return Finding(name, Grade.OK, detail)


def _try_write(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"era")
        file.flush()


def _used(folder: Path) -> int:
    """Bytes on disk below a folder; sparse files count what they take."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_blocks * 512  # noqa: PTH118 - os.walk's own
            except FileNotFoundError:
                continue
    return total
