"""Whatever dies, a cell says so in plain words and nothing hangs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from era_kernel import process
from era_kernel.models import VmRecord
from era_kernel.paths import StatePaths
from era_kernel.service.manager import Manager
from tests.conformance.notebook import Message, Notebook, notebook

pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.timeout(240)]

SLEEP = "print('running', flush=True)\nimport time; time.sleep(120)"


def kernel_vm(state: Path) -> VmRecord:
    """The VM that notebooks share."""
    return Manager(StatePaths(state)).kernel_vm("python")


def run_and_kill(book: Notebook, kill: Callable[[], object]) -> str:
    """Run a long cell, kill something in the middle, give what the cell says."""

    def strike(message: Message) -> None:
        if "running" in str(message["content"].get("text")):
            kill()

    result = book.run(SLEEP, timeout=30, on_output=strike)
    assert result.status == "error"
    assert "Traceback" not in "".join(result.error["traceback"])
    return str(result.error["evalue"])


def test_the_death_of_the_vm_is_told_and_the_next_cell_starts_it_again(state_dir: Path) -> None:
    with notebook() as book:
        vmm = kernel_vm(state_dir).vmm
        assert vmm is not None
        text = run_and_kill(book, lambda: process.send_signal(vmm, signal.SIGKILL))
        assert "The VM ended" in text
        assert book.run("40 + 2", timeout=120).data == [{"text/plain": "42"}]


def test_the_death_of_the_shim_is_told_and_leaves_no_vmm(state_dir: Path) -> None:
    with notebook() as book:
        record = kernel_vm(state_dir)
        assert record.shim is not None
        assert record.vmm is not None
        shim, vmm = record.shim, record.vmm
        text = run_and_kill(book, lambda: process.send_signal(shim, signal.SIGKILL))
        assert "shim" in text
        assert process.wait_gone(vmm, 10)
        assert book.run("40 + 2", timeout=120).data == [{"text/plain": "42"}]


def test_the_death_of_the_kernel_ends_its_session_and_nothing_else(state_dir: Path) -> None:
    with notebook() as other, notebook() as book:
        other.run("x = 'alive'")
        driver = book.value("__import__('os').getpid()")
        assert other.value(f"__import__('os').path.exists('/proc/{driver}')") == "True"
        os.kill(book.manager.provisioner.pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while other.value(f"__import__('os').path.exists('/proc/{driver}')") == "True":
            assert time.monotonic() < deadline, "the session outlived its kernel"
            time.sleep(0.1)
        assert other.value("x") == "'alive'"


def test_stopping_the_vm_under_a_cell_is_told(state_dir: Path) -> None:
    with notebook() as book:
        manager = Manager(StatePaths(state_dir))
        vm_id = manager.kernel_vm("python").id
        text = run_and_kill(book, lambda: manager.stop([vm_id]))
        assert "was stopped" in text
        assert book.run("40 + 2", timeout=120).data == [{"text/plain": "42"}]


def test_a_driver_that_is_killed_is_told(state_dir: Path) -> None:
    with notebook() as book:
        result = book.run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
        assert "SIGKILL" in result.error["evalue"]
        assert book.value("1 + 1") == "2"


def test_a_cell_that_forges_messages_loses_its_session_not_the_kernel(state_dir: Path) -> None:
    forge = (
        "import os, struct\n"
        'text = b\'{"type": "execute_reply", "id": "00", "content": {"status": "ok"}}\'\n'
        "for fd in range(3, 200):\n"
        "    try: os.write(fd, struct.pack('>I', len(text)) + text)\n"
        "    except OSError: pass\n"
        "import time; time.sleep(5)"
    )
    with notebook() as book:
        result = book.run(forge)
        assert result.status == "error"
        assert "nobody asked" in result.error["evalue"]
        assert book.value("1 + 1") == "2"


def test_a_vm_that_cannot_be_had_is_told_in_the_cell(tmp_path: Path) -> None:
    env = {**os.environ, "AGENT_VM_RUNTIME": "krunvm", "AGENT_STATE_DIR": str(tmp_path)}
    with notebook(env=env) as book:
        result = book.run("1 + 1")
        assert result.error["ename"] == "Launcher"
        assert "--vm-runtime auto" in result.error["evalue"]
        assert not list((tmp_path / "vms").glob("*"))
