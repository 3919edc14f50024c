"""The bash driver as a host process."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import era_kernel.guest
from tests.unit.guest.driver_peer import Started, start_program

DRIVER = Path(era_kernel.guest.__file__).parent / "drivers/bash/driver.pl"


def start_bash(fds: Sequence[int]) -> Started:
    perl = shutil.which("perl")
    assert perl, "apt-get install perl-base"
    return start_program([perl, str(DRIVER)], fds)
