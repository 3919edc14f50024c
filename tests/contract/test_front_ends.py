"""The kernel, the command and the teaching notebook with krunvm; tests/vm and tests/conformance have them with QEMU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from era_kernel.models import VmState
from era_kernel.paths import StatePaths
from era_kernel.service.manager import Manager

pytestmark = [
    pytest.mark.vm,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.parametrize("runtime", ["krunvm"], indirect=True, scope="module"),
]

ROOT = Path(__file__).parents[2]
SECONDS = 240


def environment(state: StatePaths, runtime: str) -> dict[str, str]:
    return {**os.environ, "AGENT_STATE_DIR": str(state.root), "AGENT_VM_RUNTIME": runtime}


def test_the_notebook_shows_what_it_was_saved_with(state: StatePaths, runtime: str) -> None:
    """Its VM is made by the runtime, and holds what the notebook left."""
    options = ["--nbval", "--nbval-sanitize-with", "notebooks/sanitize.cfg", "-p", "no:cacheprovider", "-q"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "notebooks/quickstart.ipynb"],
        cwd=ROOT,
        env=environment(state, runtime),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert [view.record.launcher for view in Manager(state).list()] == [runtime]


def test_the_command_from_creation_to_clean(state: StatePaths, runtime: str) -> None:
    def era(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "era_kernel", "vm", *words],
            env=environment(state, runtime),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    vm_id = era("create", "--language", "python").stdout.strip()
    assert Manager(state).get(vm_id).launcher == runtime
    assert era("exec", "--vm", vm_id, "--cmd", "echo out; echo err >&2; exit 9").returncode == 9
    assert era("exec", "--vm", vm_id, "--cmd", "sleep 60", "--timeout", "1").returncode == 124
    assert vm_id in era("list").stdout
    assert era("stop", "--vm", vm_id).returncode == 0
    assert Manager(state).get(vm_id).state is VmState.STOPPED
    assert era("start", "--vm", vm_id).returncode == 0
    assert era("clean", "--vm", vm_id).returncode == 0
    temp = era("temp", "--language", "python", "--cmd", "python3 -c 'print(6 * 7)'")
    assert (temp.returncode, temp.stdout) == (0, "42\n")
    assert vm_id not in era("list", "--all").stdout
