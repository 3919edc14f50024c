"""The library that QEMU is started with when it takes up a template (private_ram.c): built here, found here.

Stdlib only, and nothing of era_kernel is imported: the wheel's build hook loads this file by its path before the
package is installed.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("private_ram.c")
COMPILE_TIMEOUT = 120.0
_FLAGS = ("-std=c11", "-O2", "-shared", "-fPIC", "-s", "-Wall", "-Wextra", "-Wshadow", "-Werror")


class PreloadBuildError(Exception):
    """The library could not be built; the text says why."""


def library() -> Path:
    """Where the library for this machine is, if it was built."""
    return SOURCE.parent / "bin" / f"private_ram-{platform.machine()}.so"


def compile_command(compiler: str, output: Path) -> list[str]:
    return [compiler, *_FLAGS, "-o", str(output), str(SOURCE)]


def build() -> Path:
    """Build the library with the host's own C compiler, whole or not at all. Raises PreloadBuildError."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise PreloadBuildError(
            "No C compiler was found. Install it: `apt-get install gcc libc6-dev` (Debian, Ubuntu)."
        )
    target = library()
    target.parent.mkdir(exist_ok=True)
    draft = target.with_suffix(".new")
    done = subprocess.run(compile_command(compiler, draft), capture_output=True, text=True, timeout=COMPILE_TIMEOUT)
    if done.returncode:
        raise PreloadBuildError(f"{compiler} could not build {SOURCE.name}:\n{done.stderr.strip()}")
    draft.replace(target)
    return target


if __name__ == "__main__":
    try:
        print(build())
    except PreloadBuildError as problem:
        sys.exit(f"era: {problem}")
