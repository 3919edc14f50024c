"""A state folder with a manager of its own, and a cache without templates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from era_kernel.paths import StatePaths, cache_root, open_state
from era_kernel.service.manager import Manager


@pytest.fixture
def state(tmp_path: Path) -> StatePaths:
    return open_state(tmp_path / "state")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def manager(state: StatePaths, said: list[str]) -> Iterator[Manager]:
    manager = Manager(state, report=said.append)
    yield manager
    assert all(outcome.error is None for outcome in manager.clean(None))


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own: the images and the kernel of everybody's, no template."""
    mine = tmp_path / "cache"
    mine.mkdir()
    for name in ("kernel", "images", "initramfs", "devices", "probe.json"):
        if (cache_root() / name).exists():
            (mine / name).symlink_to(cache_root() / name)
    monkeypatch.setenv("ERA_CACHE_DIR", str(mine))
    return mine
