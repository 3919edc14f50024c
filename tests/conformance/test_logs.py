"""What a kernel, its shim and `era` log of the cells and commands that run: that they did, and no word of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.notebook import notebook

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(240)]

CANARY = "canary-b1d5"
CELLS = (
    f"word = {CANARY!r}; print(word); word",
    f"raise ValueError({CANARY!r})",
    f"import sys; sys.stderr.write({CANARY!r}); input({CANARY!r})",
    f"%pip {CANARY}",
    f"def {CANARY}(",
    f"raise SystemExit({CANARY!r})",
    f"import os; os.write(4, {CANARY!r}.encode()); os._exit(3)",
)


@pytest.mark.parametrize("level", ["info", "debug"])
def test_no_word_of_a_cell_or_command_is_logged(
    level: str, state_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, stderr = tmp_path / "log", tmp_path / "stderr"
    monkeypatch.setenv("AGENT_LOG_LEVEL", level)
    monkeypatch.setenv("AGENT_LOG_FILE", str(log))
    with stderr.open("wb") as errors, notebook(stderr=errors) as book:
        for cell in CELLS:
            assert CANARY in str(book.run(cell, answers=(CANARY,) if "input" in cell else ()).outputs) or "os." in cell
        book.client.complete(CANARY)
        book.client.inspect(CANARY)
        vm_id = book.value("__import__('os').uname().nodename").strip("'")
        command = [sys.executable, "-m", "era_kernel", "vm", "exec", "--vm", vm_id, "--cmd", f"echo {CANARY} | tr b c"]
        said = subprocess.run(command, capture_output=True, timeout=60, check=True)
        command[-1] = f"{CANARY}; exit 7"
        failed = subprocess.run(command, capture_output=True, timeout=60, check=False)
    shim_log = state_dir / "vms" / vm_id / "shim.log"
    assert said.stdout.decode().strip() == CANARY.replace("b", "c")
    written = log.read_text() + stderr.read_text() + shim_log.read_text() + said.stderr.decode()
    assert CANARY not in written
    assert failed.stderr.decode().count(CANARY) == 1  # the guest's shell says it does not know the command
    loggers = {json.loads(line)["logger"] for line in log.read_text().splitlines()}
    assert "era_kernel.kernel.connection" in loggers
