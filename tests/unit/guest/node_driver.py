"""The Node driver, for tests: a process of this machine's node."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import era_kernel.guest
from tests.unit.guest.driver_peer import Started, start_program

DRIVER = Path(era_kernel.guest.__file__).parent / "drivers/node/driver.js"


def start_node(fds: Sequence[int]) -> Started:
    """A driver as the agent executes one."""
    node = shutil.which("node")
    assert node, "apt-get install nodejs"
    return start_program([node, str(DRIVER)], fds)
