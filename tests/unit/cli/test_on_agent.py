"""The command line with the real service, shim and agent, without a hypervisor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from era_kernel.guest import build
from tests.unit.cli.scenarios import Scenarios, VmEra


@pytest.fixture(scope="class")
def era(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VmEra]:
    folder = tmp_path_factory.mktemp("era")
    era = VmEra(folder, "tests.unit.cli.on_agent")
    era.env["ERA_TEST_AGENT"] = str(build.build(folder))
    era.options = ("--image", "localhost/era/toy")
    yield era
    era("vm", "clean", "--all")


class TestOnAgent(Scenarios):
    """All scenarios."""
