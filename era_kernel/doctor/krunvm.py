"""Is there what krunvm needs, and are there the files that its variables name?"""

from __future__ import annotations

import ctypes.util
import os
import platform
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from era_kernel import process
from era_kernel.doctor.finding import Finding, Grade
from era_kernel.errors import ToolError
from era_kernel.images.containers_conf import DATA, POLICY, REGISTRIES, STORAGE, macos_volume
from era_kernel.launchers.host import KVM

VERSION_SECONDS = 20.0
_SCRIPT = {"Darwin": "setup_scripts/macos/setup.sh", "Linux": "setup_scripts/linux/setup.sh"}
_LIBRARIES = (Path("/opt/homebrew/lib"), Path("/usr/local/lib"), Path("/usr/local/lib64"))
_FILES = (*STORAGE, *POLICY, *REGISTRIES)


def _remedy() -> str:
    return f"`bash {_SCRIPT.get(platform.system(), _SCRIPT['Linux'])}` installs it or tells how; QEMU serves meanwhile."


def check_krunvm() -> Finding:
    try:
        path = process.find_tool("krunvm")
        said = process.run([path, "--version"], timeout=VERSION_SECONDS).stdout.strip()
    except ToolError as error:
        return Finding("krunvm", Grade.INFO, error.message, _remedy())
    return Finding("krunvm", Grade.OK, f"{path}: {said.partition(chr(10))[0][:80]}")


def check_libkrun() -> Finding:
    """By what the loader finds; krunvm itself is linked with it."""
    found = {name: find_library(name) for name in ("krun", "krunfw")}
    missing = [f"lib{name}" for name, place in found.items() if place is None]
    if missing:
        return Finding("libkrun", Grade.INFO, f"{' and '.join(missing)} not found", _remedy())
    return Finding("libkrun", Grade.OK, ", ".join(str(place) for place in found.values()))


def find_library(name: str) -> str | None:
    """Where the loader, or brew, has a library; None where neither does."""
    known = ctypes.util.find_library(name)
    if known:
        return known
    for folder in _LIBRARIES:
        for file in folder.glob(f"lib{name}.*"):
            return str(file)
    return None


def check_kvm() -> Finding:
    """That it opens; whether a guest runs with it only a boot tells, which the launchers' checks do."""
    if platform.system() != "Linux":
        return Finding("kvm", Grade.INFO, "not on this system: krunvm uses its own hypervisor")
    if not KVM.exists():
        return Finding("kvm", Grade.INFO, f"there is no {KVM}: QEMU emulates the processor", "Turn virtualization on.")
    if not os.access(KVM, os.R_OK | os.W_OK):
        return Finding("kvm", Grade.WARNING, f"{KVM} is closed to this user", "Join its group, then log in again.")
    return Finding("kvm", Grade.INFO, f"{KVM} opens; the launchers below tell whether a guest runs with it")


def check_volume(volume: Path | None = None) -> Finding:
    """The case-sensitive volume that krunvm keeps containers on, on macOS."""
    name = "krunvm volume"
    place = volume or macos_volume()
    if volume is None and platform.system() != "Darwin":
        return Finding(name, Grade.INFO, "only macOS needs one")
    remedy = f"`bash {_SCRIPT['Darwin']}` makes one."
    try:
        sensitive = is_case_sensitive(place)
    except OSError as error:
        return Finding(name, Grade.WARNING, f"{place} cannot be written: {error.strerror}", remedy)
    if not sensitive:
        return Finding(name, Grade.WARNING, f"{place} does not tell a from A: krunvm cannot use it", remedy)
    return Finding(name, Grade.OK, f"{place} is case-sensitive")


def is_case_sensitive(folder: Path) -> bool:
    """By a file's name in the other case, tried out. Raises OSError."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix="era-case-") as file:
        path = Path(file.name)
        return not path.with_name(path.name.upper()).exists()


def check_environment(environ: Mapping[str, str] | None = None) -> Finding:
    """Variables of theirs that change what buildah and krunvm do: files that they name must be there."""
    env = os.environ if environ is None else environ
    name = "containers' files"
    for variable in _FILES:
        if (file := env.get(variable)) and not Path(file).is_file():
            return Finding(name, Grade.WARNING, f"{variable} names {file}, which is not there", f"unset {variable}")
    known = (DATA, *_FILES)
    told = [f"{variable}={env[variable]}" for variable in known if env.get(variable)]
    return Finding(name, Grade.OK, ", ".join(told) or "our own files")


def checks() -> list[tuple[str, Callable[[], Finding]]]:
    """This module's checks: (name, check)."""
    return [
        ("krunvm", check_krunvm),
        ("libkrun", check_libkrun),
        ("kvm", check_kvm),
        ("krunvm volume", check_volume),
        ("containers' files", check_environment),
    ]
