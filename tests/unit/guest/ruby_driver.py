"""The Ruby driver as a process of this machine."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import era_kernel.guest
from tests.unit.guest.driver_peer import Started, start_program

DRIVER = Path(era_kernel.guest.__file__).parent / "drivers/ruby/driver.rb"


def start_ruby(fds: Sequence[int]) -> Started:
    """A Ruby driver as the agent executes one, with these as its fds 0 to 4."""
    ruby = shutil.which("ruby")
    assert ruby, "apt-get install ruby"
    return start_program([ruby, str(DRIVER)], fds)
