"""`era vm list`, on a registry with records in it."""

from __future__ import annotations

import json

import pytest

from era_kernel.models import Network, Purpose, VmRecord, VmSpec, VmState
from era_kernel.paths import open_state
from era_kernel.store.repository import VmRepository
from tests.unit.cli.support import Era


@pytest.fixture
def stocked(era: Era) -> Era:
    """Two stopped VMs."""
    repository = VmRepository(open_state(era.state))
    spec = VmSpec("python", "localhost/era/[bold]", cpu=2, mem=512, network=Network.ALLOW_ALL, persist=True)
    for number, last_run in ((1, 0.0), (2, 1_700_000_000.5)):
        repository.add(
            VmRecord(
                id=f"python-0000000{number}",
                spec=spec,
                purpose=Purpose.USER,
                launcher="qemu",
                digest="sha256:" + "0" * 64,
                created=1_600_000_000.0,
                state=VmState.STOPPED,
                last_run=last_run,
            )
        )
    return era


def test_an_empty_registry(era: Era) -> None:
    assert era("vm", "list").stdout == "No VMs found.\n"
    assert json.loads(era("vm", "list", "--json").stdout) == []


def test_stopped_vms_are_shown_on_demand_only(stocked: Era) -> None:
    assert stocked("vm", "list").stdout == "No VMs found.\n"
    assert stocked("vm", "list", "--all").stdout == stocked("vm", "list", "--status", "stopped").stdout


def test_the_table(stocked: Era) -> None:
    (stocked.state / "vms" / "python-00000001" / "snapshot.json").touch()
    head, first, second, total = stocked("vm", "list", "--all", env={"TZ": "UTC"}).stdout.splitlines()
    assert head.replace("Last Run", "LastRun").split() == [
        "ID", "Language", "Status", "CPU", "Mem(MiB)", "Used(MiB)", "Network", "Persist", "Snapshot", "Created",
        "LastRun",
    ]  # fmt: skip
    assert first.split() == [
        "python-00000001", "python", "stopped", "2", "512", "-", "allow_all", "yes", "yes", "2020-09-13", "12:26:40",
        "never",
    ]  # fmt: skip
    assert second.endswith("2023-11-14 22:13:20")
    assert total == "Total: 2 VMs"


def test_json_has_every_field_and_times_in_utc(stocked: Era) -> None:
    first, second = json.loads(stocked("vm", "list", "--all", "--json", env={"TZ": "Asia/Tokyo"}).stdout)
    assert first == {
        "id": "python-00000001",
        "status": "stopped",
        "language": "python",
        "image": "localhost/era/[bold]",
        "cpu": 2,
        "mem": 512,
        "network": "allow_all",
        "persist": True,
        "digest": "sha256:" + "0" * 64,
        "purpose": "user",
        "launcher": "qemu",
        "created": "2020-09-13T12:26:40.000Z",
        "last_run": None,
        "mem_used": None,
        "uptime": None,
        "snapshot": False,
        "sessions": None,
        "shim": None,
        "vmm": None,
    }
    assert second["last_run"] == "2023-11-14T22:13:20.500Z"


def test_stop_and_clean_of_stopped_vms(stocked: Era) -> None:
    stopped = stocked("vm", "stop", "--all")
    assert (stopped.status, stopped.stdout) == (0, "python-00000001 stopped\npython-00000002 stopped\n")
    cleaned = stocked("vm", "clean", "--vm", "python-00000002", "--vm", "python-00000009")
    assert (cleaned.status, cleaned.stdout) == (1, "python-00000002 cleaned\n")
    assert cleaned.stderr.startswith("era: python-00000009: ")
    assert stocked("vm", "list", "--all").stdout.splitlines()[-1] == "Total: 1 VM"
    assert not (stocked.state / "vms" / "python-00000002").exists()


def test_a_stopped_vm_runs_nothing(stocked: Era) -> None:
    ended = stocked("vm", "exec", "--vm", "python-00000001", "--cmd", "true")
    assert ended.status == 1
    assert "`era vm start --vm python-00000001`" in ended.stderr
