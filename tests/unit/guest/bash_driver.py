"""The bash driver as a host process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import era_kernel.guest
from tests.unit.guest.driver_peer import DriverPeer, Started, running_driver, start_program

DRIVER = Path(era_kernel.guest.__file__).parent / "drivers/bash/driver.pl"


def start_bash(fds: Sequence[int]) -> Started:
    perl = shutil.which("perl")
    assert perl, "apt-get install perl-base"
    return start_program([perl, str(DRIVER)], fds)


@pytest.fixture
def bash_peer() -> Iterator[DriverPeer]:
    """A session of the bash driver."""
    with running_driver(start_bash) as running:
        yield running
