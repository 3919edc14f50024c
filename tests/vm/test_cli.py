"""The command line on real VMs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.scenarios import Scenarios, VmEra
from tests.unit.cli.support import ROOT

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="class")
def era(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VmEra]:
    """A state folder of its own, and the user's cache: images are not made anew."""
    era = VmEra(tmp_path_factory.mktemp("era"))
    era.env = os.environ | {"AGENT_STATE_DIR": str(era.state), "PYTHONPATH": str(ROOT)}
    yield era
    era("vm", "clean", "--all")


class TestOnVms(Scenarios):
    def test_what_is_written_outlives_stop_and_start(self, era: VmEra, second: str) -> None:
        assert era.exec(second, "echo kept > /root/file").status == 0
        assert era("vm", "stop", "--vm", second).status == 0
        assert era("vm", "start", "--vm", second).status == 0
        assert era.exec(second, "cat /root/file").stdout == "kept\n"

    def test_what_was_started_apart_is_gone_past_the_time_limit_too(self, era: VmEra, vm: str) -> None:
        assert era.exec(vm, "setsid sleep 77773 & sleep 77773", "--timeout", "2").status == 124
        assert era.alive(vm, "77773") == ""

    def test_memory_that_runs_out_is_said(self, era: VmEra, vm: str) -> None:
        ended = era.exec(vm, "python3 -c 'x = [bytes([1]) * 1000000 for _ in range(10**6)]'; exit $?")
        assert ended.status == 137
        assert ended.stderr.splitlines()[-1] == f"era: {vm}: The guest's memory ran out. Create the VM with more --mem"

    def test_an_image_that_is_not_there_is_one_line_and_leaves_nothing(self, era: VmEra) -> None:
        before = era.folders()
        ended = era("vm", "create", "--language", "python", "--image", "localhost/no/such")
        assert (ended.status, ended.stdout) == (1, "")
        assert ended.stderr.splitlines()[-1].startswith("era: There is no image")
        assert "Traceback" not in ended.stderr
        assert set(era.views()) == era.folders() == before


def test_doctor_finds_this_host_fit(tmp_path: Path) -> None:
    era = VmEra(tmp_path)
    era.env = os.environ | {"AGENT_STATE_DIR": str(era.state), "PYTHONPATH": str(ROOT)}
    ended = era("doctor", "--json")
    findings = {each["name"]: each for each in json.loads(ended.stdout)}
    assert ended.status == 0, findings
    assert findings["launcher qemu"]["grade"] == "ok"
    assert all(each["remedy"] for each in findings.values() if each["grade"] in ("failed", "warning"))
    emulated = "TCG" in findings["launcher qemu"]["detail"]
    assert emulated == ("isolation" in findings)
    if emulated:
        assert "no security boundary" in findings["isolation"]["detail"]
        assert "jailed by bubblewrap" in findings["isolation"]["detail"]
