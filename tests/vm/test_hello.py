"""Each language says hello, by whatever name it is called."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from era_kernel.languages import LANGUAGES
from tests.unit.cli.scenarios import VmEra
from tests.unit.cli.support import ROOT

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(300)]

NAMES = [name for spec in LANGUAGES.values() for name in sorted({spec.name, *spec.aliases})]


@pytest.fixture(scope="module")
def era(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VmEra]:
    era = VmEra(tmp_path_factory.mktemp("era"))
    era.env = os.environ | {"AGENT_STATE_DIR": str(era.state), "PYTHONPATH": str(ROOT)}
    yield era
    era("vm", "clean", "--all")


@pytest.mark.parametrize("name", NAMES)
def test_a_temporary_vm_says_hello(era: VmEra, name: str) -> None:
    ended = era("vm", "temp", "--language", name, "--hello", "--timeout", "60")
    assert (ended.status, ended.stdout.lower()) == (0, "hello world\n"), ended.stderr
    assert era.views() == {}


def test_vms_of_all_languages_say_hello_side_by_side(era: VmEra) -> None:
    ids = [era("vm", "create", "--language", name).stdout.strip() for name in LANGUAGES]
    assert [each.rpartition("-")[0] for each in ids] == list(LANGUAGES)
    ended = era("vm", "exec", "--all", "--hello", "--timeout", "90")
    assert ended.status == 0, ended.stderr
    assert sorted(ended.stdout.lower().splitlines()) == sorted(f"{each} | hello world" for each in ids)
