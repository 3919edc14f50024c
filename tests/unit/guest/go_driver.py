"""The Go driver, for tests: compiled once a run, as the images compile it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import era_kernel.guest
from tests.unit.guest.driver_peer import Started, start_program

SOURCES = Path(era_kernel.guest.__file__).parent / "drivers/go"


def build(target: Path, sources: Path = Path("/nowhere")) -> Path:
    """Compile the driver; a moment, or half a minute where Go has compiled nothing before.

    `sources` stands in for the folder that a guest's initramfs has them in.
    """
    assert shutil.which("go"), "apt-get install golang-go golang-github-traefik-yaegi-dev"
    subprocess.run([SOURCES / "build.sh", target, sources], check=True, timeout=300)
    return target


class GoProgram:
    """Starts drivers of a binary; environment variables of the test's own may be added."""

    def __init__(self, binary: Path, **env: str) -> None:
        self._command = [str(binary)]
        self._env = {**os.environ, **env}

    def __call__(self, fds: Sequence[int]) -> Started:
        return start_program(self._command, fds, self._env)
