"""Hatchling's build hook: the C programs are compiled while a wheel is built, editable ones too.

The guest's agent lands in era_kernel/guest/bin, on Linux QEMU's library in era_kernel/launchers/bin, from where
pyproject.toml's `artifacts` takes them into the wheel. The wheel is then one for this platform, though not for one
Python.
"""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AgentBuildHook(BuildHookInterface[Any]):
    """Hatchling calls it before each build; a source distribution carries the sources alone."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile them. Raises AgentBuildError or PreloadBuildError, which say what to install."""
        if self.target_name != "wheel":
            return
        package = Path(self.root) / "era_kernel"
        load(package / "guest" / "build.py").build(package / "guest" / "bin")
        if sys.platform == "linux":
            load(package / "launchers" / "preload.py").build()
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag()}"


def load(path: Path) -> ModuleType:
    """A module by its path: the package itself cannot be imported before its dependencies are there."""
    spec = importlib.util.spec_from_file_location(f"era_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{path} is not there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def platform_tag() -> str:
    """This platform as wheels name it (PEP 425)."""
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
