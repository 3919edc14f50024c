from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.launchers.support import open_folder

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a jail as root")


@pytest.fixture(params=[pytest.param(True, marks=needs_root, id="root"), pytest.param(False, id="user")])
def root(request: pytest.FixtureRequest) -> bool:
    """Whether the jail is made by root; both are tried when root runs the tests."""
    return bool(request.param)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can enter."""
    with open_folder() as path:
        yield path
