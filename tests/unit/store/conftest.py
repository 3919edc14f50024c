from __future__ import annotations

from pathlib import Path

import pytest

from era_kernel.paths import StatePaths, open_state
from era_kernel.store.repository import VmRepository


@pytest.fixture
def state(tmp_path: Path) -> StatePaths:
    return open_state(tmp_path / "state")


@pytest.fixture
def repository(state: StatePaths) -> VmRepository:
    return VmRepository(state)
