"""Which launchers there are: ours, and those that installed packages add by entry points.

Their group is `era_kernel.launchers`; an entry point has the runtime's name (`--vm-runtime NAME`) and means a class or
function that takes nothing and gives a Launcher (base.py). CONTRIBUTING.md has an example of 40 lines. Ours come first
and cannot be replaced; `auto` tries all in the order of `names()`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint

from era_kernel.errors import LauncherError
from era_kernel.launchers.base import Launcher

log = logging.getLogger(__name__)

GROUP = "era_kernel.launchers"


def _krunvm() -> Launcher:
    from era_kernel.launchers.krunvm import KrunvmLauncher

    return KrunvmLauncher()


def _qemu() -> Launcher:
    from era_kernel.launchers.qemu import QemuLauncher

    return QemuLauncher()


OURS: dict[str, Callable[[], Launcher]] = {"krunvm": _krunvm, "qemu": _qemu}


def names() -> Iterator[str]:
    """Ours, then the others by name. Installed packages are only looked through when the others are asked for."""
    yield from OURS
    yield from sorted({point.name for point in _others()} - OURS.keys())


def find_launcher(name: str) -> Launcher | None:
    """The launcher of that name, None when there is none. LauncherError for one that cannot be loaded."""
    if make := OURS.get(name):
        return make()
    for point in _others():
        if point.name == name:
            return _load(point)
    return None


def _others() -> list[EntryPoint]:
    from importlib.metadata import entry_points

    return list(entry_points(group=GROUP))


def _load(point: EntryPoint) -> Launcher:
    try:
        launcher: Launcher = point.load()()
    except Exception as error:
        log.info("the launcher %s cannot be loaded", point.name, exc_info=True)
        raise LauncherError(
            f"The launcher {point.name} ({point.value}) cannot be loaded: {type(error).__name__}: {error}",
            "Update or uninstall the package that brings it.",
        ) from error
    return launcher
