"""The launchers under test: krunvm (the real one where a guest runs with it, else the fake) and QEMU."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from era_kernel.launchers.krunvm import KrunvmLauncher
from era_kernel.models import VmRecord
from era_kernel.paths import StatePaths, open_state
from era_kernel.service.manager import Manager
from tests.fakes.krun import guest
from tests.unit.service.support import eventually, left_over

FAKES = Path(__file__).parents[1] / "fakes"
RUNTIMES = ("krunvm", "qemu")


@pytest.fixture(scope="module")
def fake_on_path() -> Iterator[None]:
    """krunvm is the fake one in this process and those that it starts, unless the real one runs guests here."""
    with pytest.MonkeyPatch.context() as patch:
        if not KrunvmLauncher().probe().usable:
            guest.make()
            patch.setenv("PATH", f"{FAKES}:{os.environ['PATH']}")
        yield


@pytest.fixture(scope="module", params=RUNTIMES)
def runtime(request: pytest.FixtureRequest, fake_on_path: None) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def state(runtime: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StatePaths]:
    """A state folder, of whose VMs nothing may be left after a clean of all."""
    opened = open_state(tmp_path_factory.mktemp(runtime))
    yield opened
    assert [outcome for outcome in Manager(opened).clean(None) if outcome.error is not None] == []
    assert eventually(lambda: left_over(opened) == {}), left_over(opened)
    assert not opened.held.exists() or list(opened.held.iterdir()) == []


@pytest.fixture(scope="module")
def manager(state: StatePaths, runtime: str) -> Manager:
    return Manager(state, runtime)


@pytest.fixture(scope="module")
def vm(manager: Manager) -> VmRecord:
    """One VM for the tests that leave it up."""
    return manager.create("python")
