"""Hatchling's build hook: the guest agent is compiled while a wheel is built, editable ones too.

The agent lands in era_kernel/guest/bin, from where pyproject.toml's `artifacts` takes it into the wheel. The wheel is
then one for this platform, though not for one Python.
"""

from __future__ import annotations

import importlib.util
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AgentBuildHook(BuildHookInterface[Any]):
    """Hatchling calls it before each build; a source distribution carries the sources alone."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the agent. Raises AgentBuildError, which says what to install."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        load_build(root).build(root / "era_kernel" / "guest" / "bin")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag()}"


def load_build(root: Path) -> ModuleType:
    """guest/build.py by its path: the package itself cannot be imported before its dependencies are there."""
    spec = importlib.util.spec_from_file_location("era_guest_build", root / "era_kernel" / "guest" / "build.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{root} holds no era_kernel/guest/build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def platform_tag() -> str:
    """This platform as wheels name it (PEP 425)."""
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
