from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from era_kernel import process
from era_kernel.guest import build
from era_kernel.paths import StatePaths, open_state
from era_kernel.service.context import Context
from era_kernel.service.manager import Manager
from era_kernel.service.power import find_shim
from era_kernel.store.repository import VmRepository
from tests.fakes.agent_vm import AgentLauncher, install


@pytest.fixture(scope="session")
def agent_binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.build(tmp_path_factory.mktemp("agent"))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StatePaths]:
    """A state folder; what is up in it at the end is ended."""
    opened = open_state(tmp_path / "state")
    yield opened
    vmms = [record.vmm for record in VmRepository(opened).all()]
    shims = [find_shim(opened.vm(folder.name)) for folder in opened.vms.iterdir()]
    for identity in (*vmms, *shims):
        if identity is not None:
            process.end(identity)


@pytest.fixture
def context(state: StatePaths) -> Context:
    return Context(state, VmRepository(state), None, lambda line: None)


@pytest.fixture
def manager(state: StatePaths, agent_binary: Path, monkeypatch: pytest.MonkeyPatch) -> Manager:
    """A manager whose VMs are agents without a hypervisor."""
    install(AgentLauncher([str(agent_binary)]), monkeypatch)
    return Manager(state)
