"""Imports go one way: front ends → service → shim client, launchers, images, store → process, models, errors."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import era_kernel

ROOT = Path(era_kernel.__file__).parent
BASE = {"atomic", "errors", "loop", "sealed", "models", "paths", "process", "languages", "protocol", "__init__"}
BASE |= {"config", "logs", "progress", "text"}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "models": set(),
    "languages": {"errors"},
    "protocol": {"errors", "text"},
    "progress": set(),
    "text": set(),
    "config": {"errors", "languages"},
    "logs": {"config", "errors", "text"},
    "paths": {"config", "errors"},
    "process": {"errors", "models"},
    "loop": set(),
    "sealed": set(),
    "atomic": {"errors"},
    "guest": set(),
    "images": BASE | {"guest"},
    "launchers": BASE | {"images"},
    "store": BASE,
    "shim": BASE | {"launchers"},
    "templates": BASE | {"images", "launchers", "shim"},
    "service": BASE | {"images", "launchers", "store", "shim", "templates"},
    "markup": BASE,
    "panel": BASE | {"service"},
    "commands": BASE | {"panel", "service"},
    "magics": BASE | {"commands", "panel", "service"},
    "kernel": BASE | {"commands", "magics", "markup", "panel", "service", "shim"},
    "extension": BASE | {"commands", "kernel", "magics", "panel", "service"},
    "__init__": {"extension"},
    "cli": BASE | {"commands", "panel", "service", "kernel", "doctor"},
    "doctor": BASE | {"service", "launchers", "images", "store", "kernel", "guest", "shim"},
}


def room(path: Path) -> str:
    """The package or module under era_kernel that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """The rooms that a file imports from, lazily or not."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module] if node.module != "era_kernel" else [f"era_kernel.{a.name}" for a in node.names]
        found |= {name.split(".")[1] for name in modules if name.startswith("era_kernel.")}
    return found - {"__version__"}


FILES = [path for path in ROOT.rglob("*.py") if "drivers" not in path.parts and not path.name.startswith("__")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_from_below(path: Path) -> None:
    here = room(path)
    assert here in ALLOWED, f"say in ALLOWED what {here} may import"
    beyond = imported_rooms(path) - ALLOWED[here] - {here}
    assert not beyond, f"{path} must not import {beyond}"


def test_a_front_end_never_imports_a_launcher() -> None:
    for front_end in ("kernel", "commands", "magics", "panel", "extension", "cli"):
        assert "launchers" not in ALLOWED[front_end]


def test_only_one_host_module_starts_processes() -> None:
    starters = {
        str(path.relative_to(ROOT))
        for path in FILES
        if any(word in path.read_text() for word in ("import subprocess", "os.system(", "os.popen(", "os.fork("))
    }
    assert starters <= {"process.py", "guest/build.py", "launchers/preload.py"}
